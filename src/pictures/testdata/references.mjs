// Prints the lines of references.txt for the samples in a folder. Needs `sharp` and ImageMagick's `convert`.
import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { createRequire } from 'node:module';

const sharp = createRequire(join(process.cwd(), 'x.js'))('sharp');
const folder = process.argv[2];
// libvips converts CMYK without a profile by one of its own, browsers and ImageMagick by the plain formula.
const BY_IMAGEMAGICK = ['cmyk', 'ycck'];
// libvips resizes both sides by one factor, and so leaves rows away where a side is rounded much.
const RESIZED_BY_IMAGEMAGICK = ['wide', 'wide_jpeg'];
const CELLS = 4;

for (const name of readdirSync(folder).sort()) {
  let input = join(folder, name);
  if (BY_IMAGEMAGICK.includes(name)) {
    input = execFileSync('convert-im6.q16', [input, '-colorspace', 'sRGB', 'png:-']);
  }
  if (RESIZED_BY_IMAGEMAGICK.includes(name)) {
    input = execFileSync('convert-im6.q16', [input, '-filter', 'Lanczos', '-resize', '2560x2560>', 'png:-']);
  }
  const picture = sharp(input).rotate().resize(2560, 2560, { fit: 'inside', withoutEnlargement: true });
  const { data, info } = await picture.toColourspace('srgb').ensureAlpha().raw().toBuffer({ resolveWithObject: true });
  const means = [];
  const [columns, rows] = [Math.min(CELLS, info.width), Math.min(CELLS, info.height)];
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const sums = [0, 0, 0, 0];
      let count = 0;
      const cut = (side, i, parts) => Math.floor((side * i) / parts);
      for (let y = cut(info.height, row, rows); y < cut(info.height, row + 1, rows); y++) {
        for (let x = cut(info.width, column, columns); x < cut(info.width, column + 1, columns); x++) {
          const at = (y * info.width + x) * 4;
          const alpha = data[at + 3] / 255;
          for (let i = 0; i < 3; i++) sums[i] += data[at + i] * alpha;
          sums[3] += data[at + 3];
          count++;
        }
      }
      means.push(...sums.map((sum) => Number((sum / count).toFixed(1))));
    }
  }
  console.log([name, info.width, info.height, ...means].join(' '));
}
