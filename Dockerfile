FROM python:3.11-slim-bookworm AS build
RUN pip install --no-cache-dir uv==0.13.9
ENV UV_PROJECT_ENVIRONMENT=/opt/trial \
    UV_PYTHON_DOWNLOADS=never \
    UV_COMPILE_BYTECODE=1 \
    UV_LINK_MODE=copy \
    UV_NO_CACHE=1
WORKDIR /src
COPY pyproject.toml uv.lock ./
# The dependencies alone first: this layer stays while only the code changes.
RUN uv sync --frozen --no-dev --extra reports --no-install-project
COPY README.md LICENSE ./
COPY services services
RUN uv sync --frozen --no-dev --extra reports --no-editable

FROM python:3.11-slim-bookworm
RUN groupadd --gid 10001 trial \
    && useradd --uid 10001 --gid 10001 --no-create-home --shell /usr/sbin/nologin trial \
    # A volume that is mounted here for the first time takes its owner and mode.
    && install -d -o 10001 -g 10001 -m 700 /var/spool/trial
COPY --from=build /opt/trial /opt/trial
ENV PATH=/opt/trial/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    MPLCONFIGDIR=/tmp/matplotlib \
    TRIAL_HOST=0.0.0.0 \
    TRIAL_PORT=8000
WORKDIR /opt/trial
USER 10001:10001
EXPOSE 8000
# No proxy of the environment stands between a container and itself.
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request as u; u.build_opener(u.ProxyHandler({})).open('http://127.0.0.1:' + os.environ['TRIAL_PORT'] + '/healthz', timeout=2)"]
CMD ["trial", "serve"]
