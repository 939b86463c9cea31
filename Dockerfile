# Runs both commands of the Makefile without anything installed but Docker:
#   docker build -t unbraid .
#   docker run --rm -v "$PWD/report:/unbraid/report" unbraid        the tour, into ./report
#   docker run --rm unbraid test                                    the tests
FROM python:3.12-slim-bookworm

# make runs the commands, LightGBM needs libgomp, and the tour's page is tested in Chromium
RUN apt-get update \
    && apt-get install -y --no-install-recommends make libgomp1 chromium \
    && rm -rf /var/lib/apt/lists/*

# the small build of torch, without support for GPUs
ENV PIP_EXTRA_INDEX_URL=https://download.pytorch.org/whl/cpu \
    PIP_NO_CACHE_DIR=1

WORKDIR /unbraid
COPY . .
RUN make .venv/.installed-dev .venv/.installed

ENTRYPOINT ["make"]
CMD ["tour"]
