# One image for every process of Shiftcal: `worker`, `portal`, and each verb for operators.
# Everything is a wheel, so nothing is compiled; pip and what it brings stay in the first stage.
ARG BASE=python:3.11-slim-bookworm

FROM ${BASE} AS build
# Where packages come from, if not from PyPI itself.
ARG PIP_INDEX_URL
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python3 -m venv --without-pip /opt/shiftcal && python3 -m venv /tools
WORKDIR /src
# Locked packages change seldom: they are a layer of their own.
COPY requirements.lock .
RUN /tools/bin/pip --python /opt/shiftcal/bin/python3 install --require-hashes --only-binary :all: -r requirements.lock
COPY . .
RUN /tools/bin/pip --python /opt/shiftcal/bin/python3 install --no-deps .

FROM ${BASE}
LABEL org.opencontainers.image.title="shiftcal" \
      org.opencontainers.image.description="Keeps every user's Google Calendar in step with the published shift schedule, from Kafka." \
      org.opencontainers.image.licenses="Apache-2.0"
RUN useradd --system --uid 10001 --home-dir /var/lib/shiftcal --create-home --shell /usr/sbin/nologin shiftcal && \
    # Where a first start may put its secrets: a new volume takes over the owner of the directory that it is mounted on.
    install -d -o shiftcal -g shiftcal -m 0750 /etc/shiftcal/secrets && \
    install -d -o shiftcal -g shiftcal -m 0755 /etc/shiftcal/postgres
COPY --from=build /opt/shiftcal /opt/shiftcal
ENV PATH=/opt/shiftcal/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    # The state of one worker: a volume of its own for each, or its tables are built anew at every start.
    SHIFTCAL_STATE_DIR=/var/lib/shiftcal/state \
    # Published ports reach a container from outside of it, never its own loopback.
    SHIFTCAL_HTTP_HOST=0.0.0.0 \
    SHIFTCAL_HTTP_PORT=8081 \
    SHIFTCAL_PORTAL_HOST=0.0.0.0 \
    SHIFTCAL_LOG_FORMAT=json
USER shiftcal
WORKDIR /var/lib/shiftcal
VOLUME /var/lib/shiftcal
EXPOSE 8080 8081
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
  CMD ["python3", "-c", "import os, urllib.request as r; r.urlopen(f'http://127.0.0.1:{os.environ[\"SHIFTCAL_HTTP_PORT\"]}/live', timeout=4)"]
# No shell in between: SIGTERM reaches the worker, which drains and ends within 20 s.
STOPSIGNAL SIGTERM
ENTRYPOINT ["shiftcal"]
CMD ["worker"]
