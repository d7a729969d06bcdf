# The stand-in for node:26-trixie-slim: the same paths, user and entry point as the official image.
ARG DEBIAN=schemagate-debian:trixie
FROM ${DEBIAN}

RUN groupadd --gid 1000 node && useradd --uid 1000 --gid node --shell /bin/bash --create-home node
COPY node /usr/local/bin/node
COPY npm /usr/local/lib/node_modules/npm
COPY node-entrypoint.sh /usr/local/bin/docker-entrypoint.sh
COPY ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY npmrc /usr/local/etc/npmrc
RUN ln -s node /usr/local/bin/nodejs \
 && ln -s ../lib/node_modules/npm/bin/npm-cli.js /usr/local/bin/npm \
 && ln -s ../lib/node_modules/npm/bin/npx-cli.js /usr/local/bin/npx \
 && node --version && npm --version && rm -rf /tmp/node-compile-cache /root/.npm

ENTRYPOINT ["docker-entrypoint.sh"]
CMD ["node"]
