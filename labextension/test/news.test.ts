import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import { WorkspaceClient } from '../src/client/client';
import type { Answer } from '../src/client/transport';
import type { FileEvent } from '../src/client/wire';
import { Desk } from '../src/model/desk';
import { SessionModel } from '../src/model/session';
import { FakeSocket, FakeTransport, answer } from './fakes';
import { event, record, session } from './records';

const EMPTY = { artifacts: [], total: 0, has_more: false, next: null };

/** A server with sockets that open; all it is asked is answered by `list`. */
class Server extends FakeTransport {
  readonly sockets: FakeSocket[] = [];

  constructor(public list: () => Answer = () => answer(200, EMPTY)) {
    super(() => this.list());
  }

  override socket(path: string): WebSocket {
    const socket = new FakeSocket(path);
    this.sockets.push(socket);
    return socket as unknown as WebSocket;
  }

  get newest(): FakeSocket {
    return this.sockets[this.sockets.length - 1] as FakeSocket;
  }
}

/** A model that follows its session, after its list has come. */
async function following(server: Server): Promise<SessionModel> {
  const model = new SessionModel(new WorkspaceClient(server), session());
  model.enter();
  server.newest.say({ type: 'connected', cursor: 0 });
  await vi.advanceTimersByTimeAsync(0);
  return model;
}

function news(sequence: number): { type: string; events: FileEvent[]; next_cursor: number } {
  const one = event({ sequence, attachment_id: `att_${sequence}`, path: `plots/${sequence}.png` });
  return { type: 'artifact_created', events: [one], next_cursor: sequence };
}

describe('the news of a session', () => {
  beforeEach(() => vi.useFakeTimers());
  afterEach(() => vi.useRealTimers());

  it('begin when a socket opens; the latest files do not wait for it', async () => {
    const server = new Server(() => answer(200, { ...EMPTY, artifacts: [record()], total: 1 }));
    const model = new SessionModel(new WorkspaceClient(server), session());

    model.enter();
    await vi.advanceTimersByTimeAsync(0);

    expect(model.loading.get().state).toBe('ready');
    expect(server.asked.map(({ path }) => path)).toEqual(['sessions/churn/artifacts?limit=100']);
    server.newest.say({ type: 'connected', cursor: 0 });
    await vi.advanceTimersByTimeAsync(0);
    expect(server.asked.map(({ path }) => path)).toContain('sessions/churn/artifacts?limit=1000');
    model.leave();
  });

  it('of one who looked away say nothing more, when its socket closes late', async () => {
    const server = new Server();
    const model = await following(server);
    const old = server.newest;
    model.leave();
    model.enter();
    server.newest.say({ type: 'connected', cursor: 0 });

    old.onclose?.({ reason: '' });
    await vi.advanceTimersByTimeAsync(0);

    expect(model.line.get()).toBe('live');
    model.leave();
  });

  it('are shown at once when they are few, and in heaps when they are many', async () => {
    const server = new Server();
    const model = await following(server);
    let drawn = 0;
    model.files.subscribe(() => (drawn += 1));

    server.newest.say(news(1));
    expect(model.files.get().size).toBe(1);
    for (let sequence = 2; sequence <= 200; sequence += 1) {
      server.newest.say(news(sequence));
      await vi.advanceTimersByTimeAsync(1);
    }
    await vi.advanceTimersByTimeAsync(200);

    expect(model.files.get().size).toBe(200);
    expect(drawn).toBeLessThanOrEqual(4);
    model.leave();
  });

  it('go on from the last that came when a line died without a word', async () => {
    const server = new Server();
    const model = await following(server);
    server.newest.say(news(7));

    // A laptop that slept: the socket says it is open, and nothing comes through it.
    await vi.advanceTimersByTimeAsync(70_000);

    expect(server.sockets).toHaveLength(2);
    expect(server.sockets[0]?.isClosed).toBe(true);
    expect(server.newest.path).toContain('after=7');
    model.leave();
  });

  it('come by socket again after a server that was away, and not by one long request after the other', async () => {
    const server = new Server(() => answer(502, 'bad gateway'));
    const model = await following(server);
    for (let attempt = 0; attempt < 4; attempt += 1) {
      server.newest.onclose?.({ reason: '' });
      await vi.advanceTimersByTimeAsync(20_000);
    }

    const news = { events: [], next_cursor: 0, has_more: false, timed_out: true, reset: false };
    server.reply = () => new Promise(done => setTimeout(() => done(answer(200, { ...EMPTY, ...news })), 10));
    const { length } = server.sockets;
    await vi.advanceTimersByTimeAsync(40_000);

    expect(server.sockets.length).toBe(length + 1);
    server.newest.say({ type: 'connected', cursor: 0 });
    expect(model.line.get()).toBe('live');
    model.leave();
  });

  it('keep a line that answers', async () => {
    const server = new Server();
    const model = await following(server);
    server.newest.isAlive = true;

    await vi.advanceTimersByTimeAsync(300_000);

    expect(server.sockets).toHaveLength(1);
    model.leave();
  });

  it('are followed by a list that is asked for again until a busy server gives it', async () => {
    const server = new Server(() => answer(503, { message: 'Busy.', code: 'busy' }));
    const model = await following(server);
    expect(model.loading.get().state).toBe('failed');

    server.list = () => answer(200, { ...EMPTY, artifacts: [record()], total: 1 });
    await vi.advanceTimersByTimeAsync(5000);

    expect(model.loading.get().state).toBe('ready');
    expect(model.files.get().size).toBe(1);
    model.leave();
  });

  it('leave what is shown in its place when the list cannot be read again', async () => {
    const server = new Server(() => answer(200, { ...EMPTY, artifacts: [record()], total: 1 }));
    const model = await following(server);

    server.list = () => answer(503, { message: 'Busy.', code: 'busy' });
    server.newest.say({ type: 'reset', cursor: 9 });
    await vi.advanceTimersByTimeAsync(0);

    expect(model.loading.get().state).toBe('ready');
    expect(model.files.get().size).toBe(1);
    model.leave();
  });

  it('of a cell that ended bring no complaint about what nobody asked for', async () => {
    const server = new Server(() =>
      answer(200, { ...EMPTY, artifacts: [record({ source: 'watch' })], total: 1 })
    );
    const model = await following(server);
    const refused = new Error('of something else');
    model.complaint.set(refused);

    server.list = () => answer(503, { message: 'Busy.', code: 'busy' });
    void model.learnOrigins();
    await vi.advanceTimersByTimeAsync(10_000);

    expect(model.complaint.get()).toBe(refused);
    model.leave();
  });
});

describe('an undo that the line cuts off', () => {
  it('can be done again for the files that are still in the trash', async () => {
    let answers = 0;
    const transport = new FakeTransport(({ method }) => {
      answers += method === 'POST' ? 1 : 0;
      return method === 'DELETE' ? answer(204) : answers === 2 ? answer(502) : answer(200, record());
    });
    const model = new SessionModel(new WorkspaceClient(transport), session());
    await model.remove([1, 2, 3].map(number => record({ attachment_id: `att_${number}` })));

    await model.undo();

    expect(model.complaint.get()).toMatchObject({ status: 502 });
    expect(model.deletion.get()?.files.map(file => file.attachment_id)).toEqual(['att_2', 'att_3']);
  });
});

describe('a session that was deleted elsewhere', () => {
  beforeEach(() => vi.useFakeTimers());
  afterEach(() => vi.useRealTimers());

  it('says so, and the next try asks for the one that the notebook has now', async () => {
    let current = 'churn';
    const server = new Server();
    server.reply = ({ path }) => {
      if (path === 'sessions/resolve') {
        return answer(200, session({ session_id: current }));
      }
      const isThere = path.startsWith(`sessions/${current}/`);
      return isThere ? answer(200, EMPTY) : answer(404, { message: 'Gone.', code: 'session_not_found' });
    };
    const desk = new Desk(new WorkspaceClient(server));
    await desk.show('churn.ipynb');
    server.newest.say({ type: 'connected', cursor: 0 });
    const first = desk.model;

    current = 'churn-2';
    for (let attempt = 0; attempt < 4; attempt += 1) {
      server.newest.onclose?.({ reason: '' });
      await vi.advanceTimersByTimeAsync(5000);
    }
    expect(first?.loading.get()).toMatchObject({ state: 'failed', error: { code: 'session_not_found' } });
    await first?.retry();
    await vi.advanceTimersByTimeAsync(0);

    expect(desk.model?.id).toBe('churn-2');
    expect(desk.model?.loading.get().state).toBe('ready');
  });

  it('is known to be gone at once by the last word of its socket', async () => {
    const server = new Server();
    const model = await following(server);
    server.list = () => answer(404, { message: 'Gone.', code: 'session_not_found' });

    server.newest.onclose?.({ reason: 'session_not_found' });
    await vi.advanceTimersByTimeAsync(0);

    expect(model.loading.get()).toMatchObject({ state: 'failed', error: { code: 'session_not_found' } });
    // Another socket would be refused, which a browser tells as an error.
    expect(server.sockets).toHaveLength(1);
    model.leave();
  });

  it('is followed again when the server gives it its old id', async () => {
    let isThere = true;
    const server = new Server();
    server.reply = ({ path }) =>
      path === 'sessions/resolve'
        ? ((isThere = true), answer(200, session()))
        : isThere
          ? answer(200, EMPTY)
          : answer(404, { message: 'Gone.', code: 'session_not_found' });
    const desk = new Desk(new WorkspaceClient(server));
    await desk.show('churn.ipynb');
    server.newest.say({ type: 'connected', cursor: 0 });

    isThere = false;
    for (let attempt = 0; attempt < 4; attempt += 1) {
      server.newest.onclose?.({ reason: '' });
      await vi.advanceTimersByTimeAsync(5000);
    }
    expect(desk.model?.loading.get().state).toBe('failed');
    await desk.model?.retry();
    server.newest.say({ type: 'connected', cursor: 0 });
    await vi.advanceTimersByTimeAsync(0);

    expect(desk.model?.loading.get().state).toBe('ready');
  });
});
