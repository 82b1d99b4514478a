// Flows of tus-js-client against a server: `node flows.mjs <folder of node_modules> <options as JSON>`.
// Prints one JSON line a flow: {name, url, size, sha256} or {name, error}.
import {createHash, randomBytes} from 'node:crypto';
import {createReadStream, mkdtempSync, writeFileSync} from 'node:fs';
import {createRequire} from 'node:module';
import {tmpdir} from 'node:os';
import {join} from 'node:path';

const [folder, given] = process.argv.slice(2);
const tus = createRequire(join(folder, 'flows.cjs'))('tus-js-client');
const {endpoint, headers} = JSON.parse(given);
const content = randomBytes(2_345_678);
const file = join(mkdtempSync(join(tmpdir(), 'flows-')), 'content');
writeFileSync(file, content);
const base = {endpoint, headers, retryDelays: [0, 200, 500], metadata: {}};

const run = (source, options) =>
  new Promise((resolve, reject) => {
    const upload = new tus.Upload(source, {
      ...base,
      ...options,
      onError: reject,
      onSuccess: () => resolve(upload.url)
    });
    upload.start();
  });

const flows = {
  whole: () => run(content, {}),
  pieces: () => run(content, {chunkSize: 500_000}),
  stream: () => run(createReadStream(file), {chunkSize: 400_000, uploadSize: content.length}),
  // Not from a file stream: with one this client announces more bytes than it sends, and waits.
  deferred: () => run(content, {chunkSize: 300_000, uploadLengthDeferred: true}),
  withCreation: () => run(content, {chunkSize: 700_000, uploadDataDuringCreation: true}),
  override: () => run(content, {chunkSize: 900_000, overridePatchMethod: true}),
  parallel: () => run(content, {parallelUploads: 3}),
  paused: () =>
    new Promise((resolve, reject) => {
      let paused = false;
      const upload = new tus.Upload(content, {
        ...base,
        chunkSize: 300_000,
        metadata: {filename: 'paused'},
        onError: reject,
        onSuccess: () => resolve(upload.url),
        onChunkComplete: () => {
          if (!paused) {
            paused = true;
            upload.abort().then(() => setTimeout(() => upload.start(), 100), reject);
          }
        }
      });
      upload.start();
    }),
  resumed: async () => {
    const url = await new Promise((resolve, reject) => {
      const upload = new tus.Upload(content, {
        ...base,
        chunkSize: 400_000,
        metadata: {filename: 'resumed'},
        onError: reject,
        onChunkComplete: () => upload.abort().then(() => resolve(upload.url), reject)
      });
      upload.start();
    });
    return run(content, {uploadUrl: url, chunkSize: 400_000});
  },
  terminated: () =>
    new Promise((resolve, reject) => {
      const upload = new tus.Upload(content, {
        ...base,
        chunkSize: 300_000,
        onError: reject,
        onChunkComplete: () => upload.abort(true).then(() => resolve(upload.url), reject)
      });
      upload.start();
    })
};

for (const [name, flow] of Object.entries(flows)) {
  base.metadata = {filename: name, filetype: 'application/x-flow'};
  try {
    const url = await flow();
    const sha256 = createHash('sha256').update(content).digest('hex');
    console.log(JSON.stringify({name, url, size: content.length, sha256}));
  } catch (error) {
    console.log(JSON.stringify({name, error: String(error)}));
  }
}
