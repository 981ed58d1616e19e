import { defineRoom } from '$shell/room';
import { layers } from './layers';

export default defineRoom({ name: 'city', layers });
