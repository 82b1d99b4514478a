import { describe, expect, it } from 'vitest';

import { WorkspaceClient } from '../src/client/client';
import { Unreachable, WorkspaceError } from '../src/client/errors';
import { PartSize } from '../src/client/partSize';
import type { Answer, ByteRequest, Request } from '../src/client/transport';
import { sendFile, type Sending } from '../src/client/tus';
import { FakeTransport, answer } from './fakes';

const MIB = 1024 * 1024;

/** A server that keeps the bytes of one upload; `before` may answer in its place. */
class TusServer {
  offset = 0;
  length = 0;
  before: (request: Request | ByteRequest) => Answer | Error | null = () => null;

  readonly reply = (request: Request | ByteRequest): Answer => {
    const instead = this.before(request);
    if (instead instanceof Error) {
      throw instead;
    }
    return instead ?? this.answer(request);
  };

  private answer(request: Request | ByteRequest): Answer {
    if (request.method === 'POST') {
      this.length = Number(request.headers?.['Upload-Length']);
      return answer(201, '', { location: '/hub/user/ada/api/workspace/uploads/churn/upl_1' });
    }
    if (request.method === 'HEAD') {
      return answer(200, '', { 'upload-offset': String(this.offset) });
    }
    if (Number(request.headers?.['Upload-Offset']) !== this.offset) {
      return answer(409, { message: 'Another offset.', code: 'offset_mismatch' });
    }
    this.offset += (request as ByteRequest).bytes.size;
    const done = this.offset === this.length ? { 'upload-attachment-id': 'att_9' } : {};
    return answer(204, '', { 'upload-offset': String(this.offset), ...done });
  }
}

function job(size: number, changes: Partial<Sending> = {}): Sending {
  return {
    sessionId: 'churn',
    file: new Blob([new Uint8Array(size)]),
    name: 'übung.bin',
    dir: 'attachments',
    onConflict: 'rename',
    signal: new AbortController().signal,
    key: 'key',
    parts: { isOffered: true, largest: 0 },
    uploadId: null,
    onCreated: () => undefined,
    onProgress: () => undefined,
    onTrouble: () => undefined,
    ...changes
  };
}

function start(server: TusServer): [WorkspaceClient, FakeTransport] {
  const transport = new FakeTransport(server.reply);
  return [new WorkspaceClient(transport), transport];
}

const atOnce = (): Promise<void> => Promise.resolve();

describe('an upload in parts', () => {
  it('creates, sends part after part and gives the id', async () => {
    const server = new TusServer();
    const [client, transport] = start(server);

    const id = await sendFile(client, job(20 * MIB), atOnce);

    expect(id).toBe('att_9');
    expect(transport.asked.map(({ method }) => method)).toEqual(['POST', 'PATCH', 'PATCH']);
    expect(transport.asked[0]?.headers?.['Upload-Metadata']).toContain('filename w7xidW5nLmJpbg==');
    expect(transport.asked[1]?.path).toBe('uploads/churn/upl_1');
  });

  it('asks where it was after the line broke, and sends no byte twice', async () => {
    const server = new TusServer();
    const [client] = start(server);
    const troubles: (Error | null)[] = [];
    let hasBroken = false;
    server.before = request => {
      if (request.method === 'PATCH' && !hasBroken) {
        hasBroken = true;
        // Half of the part arrived before the line broke.
        server.offset += 4 * MIB;
        return new Unreachable('gone');
      }
      return null;
    };

    const id = await sendFile(client, job(10 * MIB, { onTrouble: error => troubles.push(error) }), atOnce);

    expect(id).toBe('att_9');
    expect(server.offset).toBe(10 * MIB);
    expect(troubles[0]).toBeNull();
    expect(troubles.some(error => error instanceof Unreachable)).toBe(true);
  });

  it('goes below the limit of a proxy that refuses large bodies', async () => {
    const server = new TusServer();
    const [client] = start(server);
    const sizes: number[] = [];
    server.before = request => {
      if (request.method !== 'PATCH') {
        return null;
      }
      const { size } = (request as ByteRequest).bytes;
      sizes.push(size);
      return size > MIB ? answer(413, '<html>Request Entity Too Large</html>') : null;
    };

    await sendFile(client, job(4 * MIB), atOnce);

    expect(sizes[0]).toBe(4 * MIB);
    expect(sizes.slice(1).every(size => size < MIB)).toBe(true);
  });

  it('stops at a refusal of the server itself', async () => {
    const server = new TusServer();
    const [client, transport] = start(server);
    server.before = request =>
      request.method === 'POST' ? answer(413, { message: 'Too large.', code: 'file_too_large' }) : null;

    const refused = sendFile(client, job(2 * MIB), atOnce);

    await expect(refused).rejects.toMatchObject({ code: 'file_too_large' });
    expect(transport.asked).toHaveLength(1);
  });

  it('says so when not even a small part passes', async () => {
    const server = new TusServer();
    const [client] = start(server);
    server.before = request => (request.method === 'PATCH' ? answer(413, 'no') : null);

    await expect(sendFile(client, job(2 * MIB), atOnce)).rejects.toMatchObject({
      code: 'proxy_too_large'
    });
  });

  it('goes on with what an earlier page began', async () => {
    const server = new TusServer();
    server.offset = 6 * MIB;
    server.length = 10 * MIB;
    const [client, transport] = start(server);

    await sendFile(client, job(10 * MIB, { uploadId: 'upl_1' }), atOnce);

    expect(transport.asked.map(({ method }) => method)).toEqual(['HEAD', 'PATCH']);
    expect((transport.asked[1] as ByteRequest).bytes.size).toBe(4 * MIB);
  });

  it('begins anew when the server has forgotten the upload', async () => {
    const server = new TusServer();
    const [client, transport] = start(server);
    let heads = 0;
    server.before = request => (request.method === 'HEAD' && heads++ === 0 ? answer(404) : null);

    await sendFile(client, job(2 * MIB, { uploadId: 'upl_0' }), atOnce);

    expect(transport.asked.map(({ method }) => method)).toEqual(['HEAD', 'POST', 'PATCH']);
  });

  it('gives up after many attempts that brought nothing', async () => {
    const server = new TusServer();
    const [client, transport] = start(server);
    server.before = () => new Unreachable('gone');

    await expect(sendFile(client, job(2 * MIB), atOnce)).rejects.toThrow(Unreachable);
    expect(transport.asked.length).toBeLessThan(12);
  });

  it('waits for the outcome when the last byte is in and the check goes on', async () => {
    const server = new TusServer();
    const [client] = start(server);
    server.before = request => {
      if (request.method === 'GET') {
        return answer(200, { upload_id: 'upl_1', state: 'done', attachment_id: 'att_7' });
      }
      return request.method === 'PATCH' ? answer(204, '', { 'upload-offset': String(2 * MIB) }) : null;
    };

    expect(await sendFile(client, job(2 * MIB), atOnce)).toBe('att_7');
  });
});

describe('a small file, or a server without parts', () => {
  it.each([
    [100, true],
    [3 * MIB, false]
  ])('goes in one request (%d bytes, parts offered: %s)', async (size, isOffered) => {
    const transport = new FakeTransport(() => answer(201, { attachment_id: 'att_3' }));

    const id = await sendFile(
      new WorkspaceClient(transport),
      job(size, { parts: { isOffered, largest: 0 } }),
      atOnce
    );

    expect(id).toBe('att_3');
    expect(transport.asked[0]).toMatchObject({
      method: 'PUT',
      path: 'uploads/churn?name=%C3%BCbung.bin&dir=attachments&on_conflict=rename',
      headers: { 'Idempotency-Key': 'key' }
    });
  });

  it('is refused with the code of the server', async () => {
    const transport = new FakeTransport(() => answer(507, { message: 'Full.', code: 'disk_full' }));

    const refused = sendFile(new WorkspaceClient(transport), job(10), atOnce);

    await expect(refused).rejects.toThrow(WorkspaceError);
  });
});

describe('the size of parts', () => {
  it('grows while parts are quick, and shrinks when they are slow', () => {
    const size = new PartSize();

    size.passed(100);
    expect(size.bytes).toBe(16 * MIB);
    size.passed(20_000);
    expect(size.bytes).toBe(8 * MIB);
  });

  it('stays below what was refused', () => {
    const size = new PartSize();

    expect(size.refused(8 * MIB)).toBe(true);
    expect(size.bytes).toBe(960 * 1024);
    size.passed(10);
    expect(size.bytes).toBe(960 * 1024);
    expect(size.refused(64 * 1024)).toBe(false);
  });

  it('is at most what the server takes', () => {
    const size = new PartSize(MIB);

    size.passed(10);

    expect(size.bytes).toBe(MIB);
  });
});
