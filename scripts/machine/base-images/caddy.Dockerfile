# The stand-in for caddy:2: Debian's own package, with the official image's paths and its binary's right to low ports.
ARG DEBIAN=schemagate-debian:trixie
FROM ${DEBIAN}

RUN apt-get update -qq \
 && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends -o Dpkg::Use-Pty=0 \
      caddy libcap2-bin >/dev/null \
 && setcap cap_net_bind_service=+ep /usr/bin/caddy \
 && install --directory /config/caddy /data/caddy /srv \
 && apt-get clean && rm -rf /var/lib/apt/lists/*

ENV XDG_CONFIG_HOME=/config XDG_DATA_HOME=/data
EXPOSE 80 443 443/udp 2019
WORKDIR /srv
CMD ["caddy", "run", "--config", "/etc/caddy/Caddyfile", "--adapter", "caddyfile"]
