# The stand-in for the image of a migration tool that Debian does not have: it keeps that tool's history table.
ARG DEBIAN=schemagate-debian:trixie
FROM ${DEBIAN}

RUN apt-get update && apt-get install -y --no-install-recommends python3-psycopg \
 && rm -rf /var/lib/apt/lists/*
COPY tool.py /
ENTRYPOINT ["python3", "/tool.py"]
