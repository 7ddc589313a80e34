// Writes a .gz and a .br beside each file that gets smaller by it: pack.mjs FOLDER.
import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";

function pack(folder) {
  for (const name of readdirSync(folder)) {
    const path = join(folder, name);
    if (statSync(path).isDirectory()) {
      pack(path);
      continue;
    }
    const plain = readFileSync(path);
    const keep = (suffix, packed) => packed.length < plain.length * 0.95 && writeFileSync(path + suffix, packed);
    keep(".gz", gzipSync(plain, { level: 9 }));
    keep(".br", brotliCompressSync(plain, { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } }));
  }
}

pack(process.argv[2]);
