import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vitest/config';
import prefixes from './src/generated/prefixes.json' with { type: 'json' };

// The server sends a strict Content-Security-Policy: no inline script, no inline style, nothing from elsewhere.
export default defineConfig({
  plugins: [svelte()],
  resolve: {
    alias: {
      $lib: new URL('./src/lib', import.meta.url).pathname,
      $components: new URL('./src/components', import.meta.url).pathname,
      $shell: new URL('./src/shell', import.meta.url).pathname,
      $entities: new URL('./src/entities', import.meta.url).pathname,
      $map: new URL('./src/map', import.meta.url).pathname,
      $generated: new URL('./src/generated', import.meta.url).pathname,
    },
  },
  build: {
    target: 'es2022',
    assetsInlineLimit: 0, // data: URLs would need a hole in the policy
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 1500, // MapLibre is one big module, loaded only with the map
    reportCompressedSize: false,
  },
  worker: { format: 'es' },
  server: { proxy: proxyTo(process.env['ANDAMAN_URL'] ?? 'http://127.0.0.1:8026') },
  test: { include: ['src/**/*.test.ts'], environment: 'node' },
});

/** For `npm run dev`: everything that is not a screen goes to a running server. */
function proxyTo(target: string) {
  return Object.fromEntries(prefixes.map((prefix) => [prefix, { target, ws: true }]));
}
