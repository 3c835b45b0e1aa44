import { defineConfig } from "vite";

// The built files are committed, so that nobody needs Node to install Signalbox. Their names are fixed and the server
// gives them an ETag: a change shows in a diff as a change, not as a new file.
export default defineConfig({
  base: "./",
  build: {
    outDir: "../src/signalbox/console",
    emptyOutDir: true,
    target: "es2022",
    modulePreload: false,
    reportCompressedSize: true,
    rollupOptions: {
      output: {
        entryFileNames: "console.js",
        chunkFileNames: "console-[name].js",
        assetFileNames: (asset) => (asset.names[0]?.endsWith(".css") ? "console.css" : "[name][extname]"),
        inlineDynamicImports: true,
      },
    },
  },
  esbuild: { jsx: "automatic", jsxImportSource: "preact", legalComments: "none" },
  // `npm run dev` shows the sources with the API of a server that runs beside it.
  server: {
    proxy: Object.fromEntries(["/v1", "/signalbox", "/docs"].map((path) => [path, "http://127.0.0.1:8080"])),
  },
});
