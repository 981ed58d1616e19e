/** Coordinates as people write them: "7.8804, 98.3923" or 7°52'49.4"N 98°23'32.3"E; latitude first, as on most maps. */
export type Point = [lon: number, lat: number];

const NUMBER = String.raw`[-+]?\d{1,3}(?:\.\d+)?`;
const DECIMAL = new RegExp(String.raw`^(${NUMBER})\s*°?\s*([NSEW])?\s*[,;\s]\s*(${NUMBER})\s*°?\s*([NSEW])?$`, 'i');
const PART = String.raw`(\d{1,3})\s*[°d\s]\s*(\d{1,2})\s*['m\s]\s*(?:(\d{1,2}(?:\.\d+)?)\s*["s]?)?\s*([NSEW])`;
const DEGREES = new RegExp(String.raw`^${PART}\s*[,;]?\s*${PART}$`, 'i');

/** Thai digits, typographic minutes and Thai names of directions as the plain ones. */
const plain = (text: string): string =>
  text
    .trim()
    .replace(/[๐-๙]/g, (one) => String(one.charCodeAt(0) - 0x0e50))
    .replace(/[′’‘`]/g, "'")
    .replace(/''|[″”“]/g, '"')
    .replace(/−/g, '-')
    .replace(/เหนือ/g, 'N')
    .replace(/ใต้/g, 'S')
    .replace(/ตะวันออก/g, 'E')
    .replace(/ตะวันตก/g, 'W');

/** The point that a text names; null for any other text, and for a place that is not on Earth. */
export function readPoint(text: string): Point | null {
  const said = plain(text);
  const decimal = DECIMAL.exec(said);
  if (decimal) return placed([Number(decimal[1]), decimal[2]], [Number(decimal[3]), decimal[4]]);
  const degrees = DEGREES.exec(said);
  if (!degrees) return null;
  const part = (from: number): [number, string] | null => {
    const [whole, minutes, seconds] = [degrees[from], degrees[from + 1], degrees[from + 2] ?? '0'].map(Number) as [number, number, number];
    return minutes < 60 && seconds < 60 ? [whole + minutes / 60 + seconds / 3600, degrees[from + 3]!] : null;
  };
  const [first, second] = [part(1), part(5)];
  return first && second && placed(first, second);
}

type Angle = [degrees: number, direction: string | undefined];
/** Without directions: latitude first, unless only the other order is possible. */
function placed([a, da]: Angle, [b, db]: Angle): Point | null {
  const signed = (value: number, direction = ''): number => (/[SW]/i.test(direction) ? -Math.abs(value) : value);
  const [x, y] = [signed(a, da), signed(b, db)];
  const isLon = (direction = ''): boolean => /[EW]/i.test(direction);
  if ((da && db && isLon(da) === isLon(db)) || Boolean(da) !== Boolean(db)) return null;
  const swapped = da ? isLon(da) : Math.abs(x) > 90;
  const [lat, lon] = swapped ? [y, x] : [x, y];
  return Math.abs(lat) <= 90 && Math.abs(lon) <= 180 ? [lon, lat] : null;
}

/** "7.88040, 98.39230": five decimals are about a metre. */
export const pointText = ([lon, lat]: readonly [number, number]): string => `${lat.toFixed(5)}, ${lon.toFixed(5)}`;
