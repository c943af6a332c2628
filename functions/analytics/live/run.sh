#!/bin/sh
# Starts the live view of the last minute; the Lambda Web Adapter executes this, and so does the laptop stack.
cd "$(dirname "$0")/../.." || exit 1
exec "${PYTHON:-python3}" -m uvicorn analytics.live.app:app --host 127.0.0.1 --port "${AWS_LWA_PORT:-8080}" \
  --lifespan off --loop asyncio --http h11 --no-access-log --no-server-header --no-proxy-headers --log-level warning --timeout-keep-alive 75 \
  --timeout-graceful-shutdown 2
