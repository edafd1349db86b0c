# Marcado as an unprivileged user. Data is kept in /data: DATABASE_URL=sqlite:////data/marcado.sqlite
FROM python:3.11-slim-bookworm AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /app
RUN python -m venv /venv
COPY requirements.lock pyproject.toml ./
# The lock holds the tools of developers, too; what is installed is what the package needs, in the locked versions.
RUN python - <<'LIST' > needed.txt
import tomllib
print("\n".join(tomllib.load(open("pyproject.toml", "rb"))["project"]["dependencies"]))
LIST
RUN /venv/bin/pip install --requirement needed.txt --constraint requirements.lock
COPY . .
RUN /venv/bin/pip install --no-deps .

FROM python:3.11-slim-bookworm
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 \
    DATABASE_URL=sqlite:////data/marcado.sqlite BUSINESS_FILE=/config/business.toml
RUN useradd --system --uid 10001 --no-create-home --home-dir /data marcado \
    && mkdir /data /config && chown marcado /data && chmod 700 /data
COPY --from=build /venv /venv
COPY business.toml /config/business.toml
WORKDIR /data
USER 10001
VOLUME /data
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s --retries=3 \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/healthz', timeout=4)"]
CMD ["marcado", "serve", "--host", "0.0.0.0", "--port", "8000"]
