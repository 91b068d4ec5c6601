# Build: makes JavaScript of the sources, and leaves only what runs.
FROM node:26.10.0-trixie-slim AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --no-audit --no-fund
COPY tsconfig.json tsconfig.build.json ./
COPY src ./src
RUN npm run build && npm prune --omit=dev --no-audit --no-fund
# The package `node` keeps a second copy of its binary, 150 MB.
RUN rm -rf node_modules/node/node_modules

# Run: Debian, the Node that package.json pins, and JavaScript.
FROM debian:13.6-slim
# Node is linked with both libraries. The folder is for the admin token; mount a volume there to keep it.
RUN apt-get update \
 && apt-get install -y --no-install-recommends libatomic1 libstdc++6 \
 && rm -rf /var/lib/apt/lists/* \
 && install -d -m 0700 -o 65532 -g 65532 /var/lib/sluice
WORKDIR /app
COPY --from=build /app/package.json ./
COPY --from=build /app/node_modules ./node_modules
COPY --from=build /app/dist ./dist
COPY config/examples/kubernetes.yaml /etc/sluice/sluice.yaml
ENV NODE_ENV=production \
    SLUICE_PROBES_URL=http://127.0.0.1:9902
USER 65532:65532
EXPOSE 8080 9902
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s --retries=3 \
  CMD ["/app/node_modules/node/bin/node", "-e", "fetch(process.env.SLUICE_PROBES_URL + '/readyz').then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))"]
# No shell in between: signals arrive at the gateway.
ENTRYPOINT ["/app/node_modules/node/bin/node", "/app/dist/cli.js"]
CMD ["run", "/etc/sluice/sluice.yaml"]
