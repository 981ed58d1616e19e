/**
 * Moving objects: one buffer of typed numbers, one draw call, drawn inside MapLibre's own frame. An update writes only the
 * rows that changed (the fold keeps the object of an entity that did not), so ten thousand cost a few milliseconds a second.
 * The map never turns or tilts, which makes the projection a scale and a shift.
 */
import type { CustomLayerInterface, Map as MapLibre } from 'maplibre-gl';
import { anchor } from '$lib/geo';
import type { LiveEntity } from '$lib/live';

const WIDTH = 3; // x, y, bearing of one object
const VERTEX = `#version 300 es
in vec2 place;
in float bearing;
uniform vec3 view; // pixels a unit, shift in pixels
uniform vec2 size; // half the window in pixels
uniform float point;
out vec2 turn;
void main() {
  vec2 at = place * view.x + view.yz;
  gl_Position = vec4(at.x / size.x, -at.y / size.y, 0.0, 1.0);
  gl_PointSize = point;
  turn = vec2(cos(bearing), sin(bearing));
}`;
// An arrow with a notch, or a dot where an arrow could not be read; a rim in the colour of the ground.
const FRAGMENT = `#version 300 es
precision highp float;
in vec2 turn;
uniform float point;
uniform bool dot_;
uniform vec4 color;
uniform vec4 rim;
out vec4 shade;
void main() {
  vec2 p = (gl_PointCoord - 0.5) * 2.0;
  p = vec2(p.x * turn.x + p.y * turn.y, p.y * turn.x - p.x * turn.y);
  float away = dot_ ? length(p) - 0.62 : max(dot(vec2(abs(p.x), p.y + 0.8), vec2(0.912, -0.41)), dot(vec2(abs(p.x), p.y - 0.32), vec2(-0.447, 0.894)));
  float pixels = away * point * 0.5;
  float inside = clamp(0.5 - pixels, 0.0, 1.0);
  float around = clamp(1.5 - pixels, 0.0, 1.0) * rim.a;
  float alpha = max(inside * color.a, around);
  shade = vec4(mix(rim.rgb, color.rgb, inside) * alpha, alpha);
}`;

export type Rgba = [red: number, green: number, blue: number, alpha: number];
/** Web Mercator of a position, 0…1. */
export const mercator = (lon: number, lat: number): [number, number] => [(180 + lon) / 360, (180 - (180 / Math.PI) * Math.log(Math.tan(Math.PI / 4 + (lat * Math.PI) / 360))) / 360];

/** The rows behind the drawing; nothing here knows of WebGL. */
export class Rows {
  values = new Float32Array(64 * WIDTH);
  entities: LiveEntity[] = [];
  /** Where 0, 0 of the rows is: single floats hold differences to millimetres, not places. */
  origin: [number, number] = [0, 0];
  #slots = new Map<string, number>();
  #round = 0;
  #seen: number[] = [];

  get count(): number {
    return this.entities.length;
  }
  /** Make the rows those of `entities`; the number of rows that were written. */
  set(entities: Iterable<LiveEntity>): number {
    const round = ++this.#round;
    let written = 0;
    for (const entity of entities) {
      const slot = this.#slots.get(entity.id);
      if (slot !== undefined && this.entities[slot] === entity) {
        this.#seen[slot] = round;
        continue;
      }
      const at = anchor(entity.a['location']);
      if (at === null) continue;
      const place = slot ?? this.#add(entity.id, at);
      this.entities[place] = entity;
      this.#seen[place] = round;
      this.#write(place, at, Number(entity.a['bearing'] ?? 0));
      written += 1;
    }
    for (let slot = this.count - 1; slot >= 0; slot--) if (this.#seen[slot] !== round) written += this.#drop(slot);
    return written;
  }
  #add(id: string, at: [number, number]): number {
    const slot = this.count;
    if (slot === 0) this.origin = mercator(...at);
    if ((slot + 1) * WIDTH > this.values.length) {
      const larger = new Float32Array(this.values.length * 2);
      larger.set(this.values);
      this.values = larger;
    }
    this.#slots.set(id, slot);
    return slot;
  }
  #write(slot: number, at: [number, number], bearing: number): void {
    const [x, y] = mercator(...at);
    this.values[slot * WIDTH] = x - this.origin[0];
    this.values[slot * WIDTH + 1] = y - this.origin[1];
    this.values[slot * WIDTH + 2] = Number.isFinite(bearing) ? (bearing * Math.PI) / 180 : 0;
  }
  /** The last row takes the place of the one that goes. */
  #drop(slot: number): number {
    const last = this.count - 1;
    this.#slots.delete(this.entities[slot]!.id);
    if (slot !== last) {
      this.values.copyWithin(slot * WIDTH, last * WIDTH, (last + 1) * WIDTH);
      this.entities[slot] = this.entities[last]!;
      this.#seen[slot] = this.#seen[last]!;
      this.#slots.set(this.entities[slot]!.id, slot);
    }
    this.entities.pop();
    this.#seen.pop();
    return 1;
  }
  /** The nearest object within `radius` of a mercator position, all in mercator units. */
  nearest(x: number, y: number, radius: number): LiveEntity | null {
    let best = radius * radius;
    let found = -1;
    const [dx, dy] = [x - this.origin[0], y - this.origin[1]];
    for (let slot = 0, at = 0; slot < this.count; slot++, at += WIDTH) {
      const far = (this.values[at]! - dx) ** 2 + (this.values[at + 1]! - dy) ** 2;
      if (far <= best) [best, found] = [far, slot];
    }
    return found < 0 ? null : this.entities[found]!;
  }
}

export class Movers implements CustomLayerInterface {
  readonly type = 'custom' as const;
  readonly renderingMode = '2d' as const;
  rows = new Rows();
  color: Rgba = [1, 1, 1, 1];
  rim: Rgba = [0, 0, 0, 1];
  #map: MapLibre | undefined;
  #gl: WebGL2RenderingContext | undefined;
  #program: WebGLProgram | null = null;
  #array: WebGLVertexArrayObject | null = null;
  #buffer: WebGLBuffer | null = null;
  #uniforms: Record<string, WebGLUniformLocation | null> = {};
  #stale = true;

  constructor(readonly id: string) {}

  set(entities: Iterable<LiveEntity>): void {
    if (this.rows.set(entities) === 0) return;
    this.#stale = true;
    this.#map?.triggerRepaint();
  }
  look(color: Rgba, rim: Rgba): void {
    [this.color, this.rim] = [color, rim];
    this.#map?.triggerRepaint();
  }
  /** What is drawn at a place of the window, in pixels. */
  pick(x: number, y: number, radius: number): LiveEntity | null {
    if (!this.#map) return null;
    const at = this.#map.unproject([x, y]);
    return this.rows.nearest(...mercator(at.lng, at.lat), radius / this.#scale());
  }
  /** Pixels a mercator unit. */
  #scale(): number {
    return 512 * 2 ** (this.#map?.getZoom() ?? 0);
  }
  /** Diameter of a mark in pixels. */
  #point(): number {
    const zoom = this.#map?.getZoom() ?? 0;
    return 17 * Math.min(1.3, Math.max(0.42, 0.42 + (zoom - 9) * 0.17));
  }

  onAdd(map: MapLibre, context: WebGLRenderingContext | WebGL2RenderingContext): void {
    const gl = context as WebGL2RenderingContext;
    const shader = (kind: number, source: string): WebGLShader => {
      const made = gl.createShader(kind)!;
      gl.shaderSource(made, source);
      gl.compileShader(made);
      return made;
    };
    const program = gl.createProgram()!;
    gl.attachShader(program, shader(gl.VERTEX_SHADER, VERTEX));
    gl.attachShader(program, shader(gl.FRAGMENT_SHADER, FRAGMENT));
    gl.bindAttribLocation(program, 0, 'place');
    gl.bindAttribLocation(program, 1, 'bearing');
    gl.linkProgram(program);
    if (!gl.getProgramParameter(program, gl.LINK_STATUS)) {
      console.error('movers:', gl.getProgramInfoLog(program)); // everything is in the list, too
      return;
    }
    for (const name of ['view', 'size', 'point', 'dot_', 'color', 'rim']) this.#uniforms[name] = gl.getUniformLocation(program, name);
    this.#array = gl.createVertexArray();
    this.#buffer = gl.createBuffer();
    gl.bindVertexArray(this.#array);
    gl.bindBuffer(gl.ARRAY_BUFFER, this.#buffer);
    gl.enableVertexAttribArray(0);
    gl.vertexAttribPointer(0, 2, gl.FLOAT, false, WIDTH * 4, 0);
    gl.enableVertexAttribArray(1);
    gl.vertexAttribPointer(1, 1, gl.FLOAT, false, WIDTH * 4, 8);
    gl.bindVertexArray(null);
    [this.#map, this.#gl, this.#program, this.#stale] = [map, gl, program, true];
  }
  onRemove(_map: MapLibre, context: WebGLRenderingContext | WebGL2RenderingContext): void {
    const gl = context as WebGL2RenderingContext;
    gl.deleteProgram(this.#program);
    gl.deleteBuffer(this.#buffer);
    gl.deleteVertexArray(this.#array);
    this.#gl = undefined;
  }
  render(): void {
    const [gl, map, rows] = [this.#gl, this.#map, this.rows];
    if (!gl || !map || rows.count === 0) return;
    const { clientWidth: width, clientHeight: height } = map.getCanvas();
    const centre = map.getCenter();
    const [x, y] = mercator(centre.lng, centre.lat);
    const scale = this.#scale();
    const point = this.#point();
    gl.useProgram(this.#program);
    gl.bindVertexArray(this.#array);
    if (this.#stale) {
      gl.bindBuffer(gl.ARRAY_BUFFER, this.#buffer);
      gl.bufferData(gl.ARRAY_BUFFER, rows.values.subarray(0, rows.count * WIDTH), gl.DYNAMIC_DRAW);
      this.#stale = false;
    }
    gl.uniform3f(this.#uniforms['view']!, scale, (rows.origin[0] - x) * scale, (rows.origin[1] - y) * scale);
    gl.uniform2f(this.#uniforms['size']!, width / 2, height / 2);
    gl.uniform1f(this.#uniforms['point']!, point * map.getPixelRatio());
    gl.uniform1i(this.#uniforms['dot_']!, point < 10 ? 1 : 0);
    const crowd = rows.count > 2000 && point < 10 ? 0.7 : 1;
    gl.uniform4f(this.#uniforms['color']!, this.color[0], this.color[1], this.color[2], this.color[3] * crowd);
    gl.uniform4f(this.#uniforms['rim']!, this.rim[0], this.rim[1], this.rim[2], rows.count > 2000 ? 0 : this.rim[3]);
    gl.drawArrays(gl.POINTS, 0, rows.count);
    gl.bindVertexArray(null);
  }
}
