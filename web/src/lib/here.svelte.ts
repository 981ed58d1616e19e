/** Where this device is, asked only when a person presses for it. Nothing of it is sent or kept. */
import { asProblem, Problem } from './problem';

export interface Here {
  /** [lon, lat]. */
  point: [number, number];
  /** Radius of the circle that it is in, as the device says, metres. */
  accuracyM: number;
  /** ms. */
  at: number;
}
/** `window` hears it with every fix: a form that waits for a place takes `detail`. */
export const HERE_EVENT = 'andaman:here';
const WAIT_MS = 15_000;

class Device {
  found: Here | null = $state.raw(null);
  busy: boolean = $state(false);
  problem: Problem | null = $state.raw(null);

  /** Ask the device once; null when it does not say, and `problem` why. */
  async locate(): Promise<Here | null> {
    this.busy = true;
    this.problem = null;
    try {
      const { coords, timestamp } = await new Promise<GeolocationPosition>((take, refuse) =>
        navigator.geolocation.getCurrentPosition(take, refuse, { enableHighAccuracy: true, timeout: WAIT_MS, maximumAge: 10_000 }),
      );
      this.found = { point: [coords.longitude, coords.latitude], accuracyM: coords.accuracy, at: timestamp };
      dispatchEvent(new CustomEvent<Here>(HERE_EVENT, { detail: this.found }));
      return this.found;
    } catch (error) {
      const code = (error as GeolocationPositionError | undefined)?.code;
      this.problem = code === undefined ? asProblem(error) : new Problem(-1, 'urn:andaman:problem:position', '', '', { code: code === 1 ? 'refused' : 'unknown' });
      return null;
    } finally {
      this.busy = false;
    }
  }
}
export const here = new Device();
