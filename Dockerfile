# One image for every service: `docker compose up` builds it and runs each by its command.
FROM python:3.11-slim

WORKDIR /countermand
COPY requirements.lock .
RUN pip install --no-cache-dir --require-hashes --no-deps -r requirements.lock
COPY pyproject.toml README.md LICENSE CHANGELOG.md ./
COPY events events
COPY projections projections
COPY services services
COPY countermand countermand
RUN pip install --no-cache-dir --no-deps --no-build-isolation . \
    && useradd --create-home countermand \
    && mkdir /data && chown countermand /data

USER countermand
ENV COUNTERMAND_DATA=/data
VOLUME /data
ENTRYPOINT ["countermand"]
CMD ["up"]
