// Writes src/generated from docs/openapi.json and docs/asyncapi.json; with --check it only says whether that is fresh.

import { compile } from "json-schema-to-typescript";
import { readFileSync, writeFileSync } from "node:fs";
import openapiTS, { astToString } from "openapi-typescript";

const root = new URL("../../../", import.meta.url);
const docs = (name) => JSON.parse(readFileSync(new URL(`docs/${name}.json`, root), "utf8"));
const HEAD = (name) => `// Made from docs/${name}.json by tools/generate.mjs: not to be edited.\n/* eslint-disable */\n\n`;

async function openapi() {
  return HEAD("openapi") + astToString(await openapiTS(docs("openapi"), { alphabetize: true }));
}

// What the compiler says of the definitions' places is noise here.
const readable = (types) =>
  types
    .replace(/export interface Unused \{\s*\}\n/, "")
    .replace(/( \*\n)? \* This interface was referenced by `Unused`'s JSON-Schema\n \* via the `definition` "\w+"\.\n/g, "")
    .replaceAll("/**\n */\n", "");

const nameOf = (reference) => reference.split("/").pop();
const union = (names) => [...new Set(names)].sort().join(" | ") || "never";

async function asyncapi() {
  const document = docs("asyncapi");
  const { messages, schemas } = document.components;
  const definitions = JSON.parse(JSON.stringify(schemas).replaceAll("#/components/schemas/", "#/definitions/"));
  const types = await compile({ title: "Unused", type: "object", additionalProperties: false, definitions }, "Unused", {
    additionalProperties: false,
    bannerComment: "",
    unreachableDefinitions: true,
  });
  const payloads = (keys) => keys.map((key) => nameOf(messages[key].payload.$ref));
  const of = (side) => payloads(Object.keys(messages).filter((key) => key.startsWith(`${side}.`)));
  const channels = Object.entries(document.channels).filter(([key]) => key !== "socket");
  const frames = channels.map(([key, { messages: own }]) => [key, union(payloads(Object.values(own).map(({ $ref }) => nameOf($ref))))]);
  return [
    HEAD("asyncapi") + readable(types),
    `/** What the server says to one connection. */\nexport type ServerMessage = ${union(of("server"))};\n`,
    `/** What a client may say. */\nexport type ClientAction = ${union(of("client"))};\n`,
    `/** The frames of each kind of channel. */\nexport interface FramesOf {\n${frames.map(([key, types]) => `  ${key}: ${types};\n`).join("")}}\n`,
    `/** Any frame of any channel. */\nexport type Frame = FramesOf[keyof FramesOf];\n`,
    `/** Why a connection is closed, and whether to come back. */\nexport const CLOSES = ${JSON.stringify(document["x-closes"], null, 2)} as const;\n`,
  ].join("\n");
}

const wanted = { openapi: await openapi(), asyncapi: await asyncapi() };
let stale = false;
for (const [name, text] of Object.entries(wanted)) {
  const file = new URL(`../src/generated/${name}.ts`, import.meta.url);
  if (!process.argv.includes("--check")) {
    writeFileSync(file, text);
  } else if (readFileSync(file, "utf8") !== text) {
    console.error(`src/generated/${name}.ts is not what docs/${name}.json says: npm run generate`);
    stale = true;
  }
}
process.exit(stale ? 1 : 0);
