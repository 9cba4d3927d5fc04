// Makes the variants with npm `sharp`, and prints what that took as a line of JSON.
//
// `node sharp.mjs PACKAGES WAY PHOTOGRAPH FOLDER WIDTHS QUALITY`. PACKAGES is a folder whose `node_modules` has sharp.
// WAY is `loop`, as most sites do it: each variant from the file; or `once`: all from one decoded picture.
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';

const [packages, way, photograph, folder, widths, quality] = process.argv.slice(2);
const require = createRequire(join(resolve(packages), 'package.json'));
const sharp = require('sharp');
// One thread and no memory of earlier pictures: what one upload costs.
sharp.concurrency(1);
sharp.cache(false);

/** The most memory so far in KiB. `resourceUsage` would count that of the process that started this one too. */
function readPeak() {
  return Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync('/proc/self/status', 'utf8'))[1]);
}

/** A function that opens the picture anew for each variant. */
async function prepare() {
  if (way === 'loop') return () => sharp(photograph);
  const { data, info } = await sharp(photograph).resize(2560).raw().toBuffer({ resolveWithObject: true });
  return () => sharp(data, { raw: info });
}

const peakBefore = readPeak();
const before = process.cpuUsage();
const open = await prepare();
const outputs = [];
for (const width of widths.split(',').map(Number)) {
  outputs.push(await open().resize(width).webp({ quality: Number(quality), effort: 4 }).toBuffer());
  outputs.push(await open().resize(width).jpeg({ quality: Number(quality) }).toBuffer());
}
const { user, system } = process.cpuUsage(before);
const peak = readPeak();
outputs.forEach((output, i) => writeFileSync(join(folder, String(i)), output));
const version = sharp.versions.sharp;
const measured = { cpu_ms: (user + system) / 1000, peak_before_kib: peakBefore, peak_kib: peak, version };
console.log(JSON.stringify(measured));
