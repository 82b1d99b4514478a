from tests.unit.client.flows import event


def test_events_are_read_with_for(ws, server):
    server.events = [event(1), event(2)]

    events = ws.events()

    assert next(events).sequence == 1
    assert [one.sequence for one in events] == [2]


async def test_events_are_read_with_async_for(ws, server):
    server.events = [event(1), event(2)]

    assert [one.sequence async for one in ws.events(after=0)] == [1, 2]


async def test_leaving_the_loop_leaves_nothing_open(ws, server):
    server.events = [event(1), event(2)]

    async for one in ws.events(follow=True):
        assert one.sequence == 1
        break
