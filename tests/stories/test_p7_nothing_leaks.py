"""P7: no personal value and no delivered code in a log line, a task or plain text at rest."""

import pytest
from redis import Redis

from tests.stories.conftest import Story, hyper

PLAYER = "player-5512345678"


async def test_a_players_id_and_the_codes_reach_the_provider_and_the_shop_and_nothing_else(
    story: Story, capsys: pytest.CaptureFixture[str], redis_url: str
) -> None:
    body = hyper("1", lines=2)
    body["lines"][0]["require_data"] = [{"product_require_id": 1, "value": PLAYER}]
    await story.submit(body)
    await story.play()
    codes = [
        value
        for told in story.receiver.received.first.values()
        for goods in told["data"].get("goods", ())
        for value in goods.values()
    ]
    assert len(codes) >= 2
    printed = "".join(capsys.readouterr())
    kept = await story.all(
        "SELECT data::text FROM events UNION ALL SELECT evidence::text FROM attempts"
        " UNION ALL SELECT excerpt FROM deliveries"
    )
    with Redis.from_url(redis_url) as redis:
        in_redis = str([redis.dump(key) for key in redis.scan_iter()])
    for secret in (PLAYER, *codes):
        assert secret not in printed
        assert secret not in str(kept)
        assert secret not in in_redis
