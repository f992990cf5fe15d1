"""What FastAPI does at best: a handler that parses the same body and answers with as many bytes."""

import os
from pathlib import Path

import orjson
from fastapi import FastAPI, Request, Response

app = FastAPI()
answer = orjson.loads(Path(os.environ["BENCH_ANSWER"]).read_bytes())


@app.get("/healthz")
async def healthz() -> dict[str, str]:
    return {}


@app.post("/v1/sla/preview")
async def preview(request: Request) -> Response:
    orjson.loads(await request.body())
    return Response(orjson.dumps(answer), media_type="application/json")
