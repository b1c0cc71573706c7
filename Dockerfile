# One image for every service: alone it runs everything on the embedded log (docs/operations.md),
# `docker compose up` runs each service by its command.

FROM python:3.11-slim-bookworm AS build
WORKDIR /src
ENV VIRTUAL_ENV=/opt/countermand
COPY requirements.lock requirements-uv.lock ./
RUN python -m venv "$VIRTUAL_ENV" \
    && "$VIRTUAL_ENV/bin/pip" install --no-cache-dir --require-hashes --no-deps -r requirements-uv.lock \
    && "$VIRTUAL_ENV/bin/uv" pip install --no-cache --require-hashes --no-build -r requirements.lock
COPY pyproject.toml README.md LICENSE CHANGELOG.md ./
COPY events events
COPY projections projections
COPY services services
COPY countermand countermand
RUN "$VIRTUAL_ENV/bin/uv" pip install --no-cache --no-deps --no-build-isolation .

FROM python:3.11-slim-bookworm
RUN groupadd --system --gid 10001 countermand \
    && useradd --system --uid 10001 --gid 10001 --home-dir /var/lib/countermand --create-home countermand
COPY --from=build /opt/countermand /opt/countermand
ENV PATH=/opt/countermand/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    COUNTERMAND_DATA=/var/lib/countermand \
    COUNTERMAND_GATEWAY__HOST=0.0.0.0 \
    COUNTERMAND_GATEWAY__PORT=8700 \
    COUNTERMAND_LOG_FORMAT=json
USER 10001:10001
WORKDIR /var/lib/countermand
VOLUME /var/lib/countermand
EXPOSE 8700
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=60s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request; urllib.request.urlopen(f'http://127.0.0.1:{os.environ[\"COUNTERMAND_GATEWAY__PORT\"]}/healthz', timeout=2)"]
ENTRYPOINT ["countermand"]
CMD ["up"]
