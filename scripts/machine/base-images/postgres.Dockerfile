# The stand-in for postgres:17: Debian's own packages behind an entry point that behaves as the official image's.
ARG DEBIAN=schemagate-debian:trixie
FROM ${DEBIAN}

# As in the official image: uid 999, so that a volume written under one is readable under the other.
RUN groupadd --system --gid 999 postgres \
 && useradd --system --uid 999 --gid postgres --home-dir /var/lib/postgresql --shell /bin/bash postgres \
 && install --directory --owner postgres --group postgres --mode 1777 /var/lib/postgresql

ENV LANG=en_US.utf8
RUN mkdir -p /etc/postgresql-common \
 && echo 'create_main_cluster = false' > /etc/postgresql-common/createcluster.conf \
 && apt-get update -qq \
 && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends -o Dpkg::Use-Pty=0 \
      locales postgresql-17 xz-utils zstd >/dev/null \
 && localedef -i en_US -c -f UTF-8 -A /usr/share/locale/locale.alias en_US.UTF-8 \
 && apt-get clean && rm -rf /var/lib/apt/lists/*

ENV PG_MAJOR=17 PATH=$PATH:/usr/lib/postgresql/17/bin PGDATA=/var/lib/postgresql/data
RUN sed -ri "s!^#?(listen_addresses)\s*=\s*\S+.*!\1 = '*'!" /usr/share/postgresql/17/postgresql.conf.sample \
 && grep -q "^listen_addresses = '\*'" /usr/share/postgresql/17/postgresql.conf.sample \
 && install --directory --owner postgres --group postgres --mode 3777 /var/run/postgresql \
 && install --directory --owner postgres --group postgres --mode 1777 "$PGDATA" \
 && mkdir /docker-entrypoint-initdb.d
VOLUME /var/lib/postgresql/data

COPY postgres-entrypoint.sh /usr/local/bin/docker-entrypoint.sh
ENTRYPOINT ["docker-entrypoint.sh"]
# SIGINT is a "fast" shutdown: it ends sessions and writes a checkpoint, where SIGTERM would wait for them.
STOPSIGNAL SIGINT
EXPOSE 5432
CMD ["postgres"]
