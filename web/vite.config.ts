import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

// While one works on the pages, `npm run dev` takes everything but them from a server that runs.
const server = process.env.MLGATE_CONSOLE ?? "http://localhost:8081";

export default defineConfig({
  plugins: [react()],
  build: { assetsDir: "ui", assetsInlineLimit: 0, target: "es2022", modulePreload: { polyfill: false } },
  server: {
    proxy: Object.fromEntries(
      ["/console", "/subscriptions", "/api", "/workspaces", "/providers"].map((path) => [path, server]),
    ),
  },
});
