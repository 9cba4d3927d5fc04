module.exports = {
  inkstone: {
    input: "openapi.json",
    output: { target: "trials/generated/orval/client.ts", client: "fetch", mode: "split" },
  },
};
