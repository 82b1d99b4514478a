// tus-js-client as an upload page would use it: `node upload.mjs <folder of node_modules> <options as JSON>`.
// Uploads the file `path` in chunks and prints its address; tries again as `retryDelays` say, in milliseconds.
import {createReadStream, statSync} from 'node:fs';
import {createRequire} from 'node:module';
import {join} from 'node:path';

const [folder, given] = process.argv.slice(2);
const tus = createRequire(join(folder, 'upload.cjs'))('tus-js-client');
const {endpoint, headers, path, chunkSize, metadata, retryDelays = [100, 200, 500, 1000, 2000]} = JSON.parse(given);

const upload = new tus.Upload(createReadStream(path), {
  endpoint,
  headers,
  chunkSize,
  metadata,
  uploadSize: statSync(path).size,
  retryDelays,
  onError: error => {
    console.error(String(error));
    process.exit(1);
  },
  onSuccess: () => console.log(upload.url)
});
upload.start();
