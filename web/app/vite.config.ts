import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";
import { channelIcons } from "./scripts/icons.mjs";

const backend = process.env.PARLEY_BACKEND ?? "http://127.0.0.1:8080";

const proxy = { "/api": { target: backend, ws: true, changeOrigin: false }, "/c": { target: backend, ws: true } };

export default defineConfig({
  base: "/",
  plugins: [react(), channelIcons()],
  css: { modules: { generateScopedName: "[name]_[local]_[hash:base64:4]" } },
  server: { host: "127.0.0.1", proxy },
  preview: { host: "127.0.0.1", proxy },
  build: {
    target: "es2022",
    manifest: true,
    assetsInlineLimit: 0,
    rollupOptions: {
      output: {
        advancedChunks: {
          groups: [{ name: "react", test: /node_modules\/(react|react-dom|scheduler)\// }],
        },
      },
    },
  },
});
