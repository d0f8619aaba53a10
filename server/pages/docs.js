// Shows the OpenAPI document: groups by audience, one card per call, one per data structure.
// Everything is put in as text, never as markup, so that no description can become a script.
"use strict";

const METHODS = ["get", "post", "put", "patch", "delete"];

function make(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children.filter((child) => child !== null && child !== undefined && child !== ""));
  return element;
}

const code = (text) => make("code", {}, text);
const english = (text) => make("span", { lang: "en" }, text);

// "中文 / English", as summaries are written.
function bilingual(text) {
  const [chinese, ...rest] = String(text || "").split(" / ");
  return rest.length ? [chinese, " ", english(rest.join(" / "))] : [chinese];
}

// --- schemas ---------------------------------------------------------------------------------------

const schemaId = (name) => `schema-${name}`;

function typeOf(schema) {
  if (!schema || !Object.keys(schema).length) return ["任意 any"];
  if (schema.$ref) {
    const name = schema.$ref.split("/").pop();
    return [make("a", { href: `#${schemaId(name)}` }, name)];
  }
  const choices = schema.anyOf || schema.oneOf;
  if (choices) return choices.flatMap((choice, index) => (index ? [" | ", ...typeOf(choice)] : typeOf(choice)));
  if (schema.allOf) return schema.allOf.flatMap((part) => typeOf(part));
  if (schema.type === "array") return ["[ ", ...typeOf(schema.items), " ]"];
  if (schema.const !== undefined) return [code(JSON.stringify(schema.const))];
  if (schema.type === "object" && typeof schema.additionalProperties === "object") {
    return ["{ * : ", ...typeOf(schema.additionalProperties), " }"];
  }
  const format = schema.format ? ` (${schema.format})` : "";
  return [`${[].concat(schema.type || "any").join(" | ")}${format}`];
}

function limitsOf(schema) {
  const limits = [];
  const say = (key, text) => { if (schema[key] !== undefined) limits.push(`${text} ${schema[key]}`); };
  say("minimum", "≥"); say("exclusiveMinimum", ">"); say("maximum", "≤"); say("exclusiveMaximum", "<");
  say("minLength", "最短 min"); say("maxLength", "最长 max");
  say("minItems", "最少 min"); say("maxItems", "最多 max");
  say("pattern", "格式 pattern");
  if (schema.default !== undefined && schema.default !== null) limits.push(`默认 default ${JSON.stringify(schema.default)}`);
  if (schema.enum) limits.push(schema.enum.map((value) => JSON.stringify(value)).join(" · "));
  for (const part of schema.anyOf || []) if (!part.$ref) limits.push(...limitsOf(part));
  return limits;
}

function field(name, schema, isRequired, description) {
  const limits = limitsOf(schema);
  const text = description || schema.description;
  return [
    make("dt", {}, code(name), " ", make("span", { class: "kind" }, ...typeOf(schema)), " ",
      isRequired ? make("span", { class: "must" }, "必填 required") : ""),
    limits.length ? make("dd", {}, limits.join("，")) : "",
    text ? make("dd", {}, ...bilingual(text)) : "",
  ];
}

function fieldsOf(schema) {
  const required = schema.required || [];
  const properties = Object.entries(schema.properties || {});
  if (!properties.length) {
    return make("p", {}, make("span", { class: "kind" }, ...typeOf(schema)), " ", limitsOf(schema).join("，"));
  }
  return make("dl", {}, ...properties.flatMap(([name, each]) => field(name, each, required.includes(name))));
}

// --- operations ------------------------------------------------------------------------------------

function section(chinese, title, ...content) {
  return content.length ? make("section", {}, make("h3", {}, chinese, " ", english(title)), ...content) : "";
}

function parametersOf(operation) {
  const places = { path: "路径 path", query: "查询 query", header: "请求头 header" };
  const parameters = operation.parameters || [];
  if (!parameters.length) return "";
  return section("参数", "Parameters", make("dl", {}, ...parameters.flatMap((parameter) => {
    const place = `${places[parameter.in]}${parameter.description ? "。" + parameter.description : ""}`;
    return field(parameter.name, parameter.schema, parameter.required, place);
  })));
}

function bodyOf(operation, schemas) {
  const schema = operation.requestBody?.content["application/json"].schema;
  if (!schema) return "";
  const name = schema.$ref ? schema.$ref.split("/").pop() : null;
  return section("请求体", "Body", make("p", {}, ...typeOf(schema)), fieldsOf(name ? schemas[name] : schema));
}

function answerOf(status, answer) {
  const kinds = Object.entries(answer.content || {}).filter(([media]) => media !== "application/problem+json");
  const contents = kinds.map(([media, { schema }]) =>
    make("dd", {}, code(media), " ", ...(schema ? typeOf(schema) : [])));
  const problems = (answer["x-problems"] || []).flatMap((problem) => [
    make("dd", {}, code(problem.code), " ", problem.zh, " ", english(problem.en)),
  ]);
  const title = String(answer.description || "").split("\n")[0];
  return [
    make("dt", {}, make("span", { class: `status s${status[0]}` }, status), " ", ...bilingual(title)),
    ...contents, ...problems,
  ];
}

function whoMay(operation) {
  const names = (operation.security || []).map((each) => Object.keys(each)[0] || "无需登录 no token");
  return make("p", {}, "谁可以调用 ", english("Who may call"), "：", names.length ? names.join("、") : "公开 public");
}

// What every call may answer stands once at the end of the page; a call only names it.
function commonLine(answers) {
  const statuses = answers.filter(([, answer]) => answer.$ref).map(([status]) => status);
  if (!statuses.length) return "";
  return make("p", {}, make("a", { href: "#group-common" }, "通用错误 ", english("Common problems")),
    `：${statuses.join("、")}`);
}

function insideOf(operation, schemas) {
  const answers = Object.entries(operation.responses || {});
  const own = answers.filter(([, answer]) => !answer.$ref);
  return make("div", { class: "inside" },
    operation.description ? make("p", { lang: "en" }, operation.description) : "",
    whoMay(operation), parametersOf(operation), bodyOf(operation, schemas),
    section("响应", "Answers", make("dl", {}, ...own.flatMap(([status, each]) => answerOf(status, each))),
      commonLine(answers)));
}

// What is inside is made when a card is opened first: hundreds of calls stay quick on a phone.
function card(id, head, words, fill) {
  const details = make("details", { id }, make("summary", {}, ...head));
  details.searchText = words.toLowerCase();
  details.addEventListener("toggle", () => {
    if (details.open && details.children.length === 1) details.append(fill());
  });
  return details;
}

function operationCard(path, method, operation, schemas) {
  const verb = method.toUpperCase();
  const head = [make("span", { class: `method ${verb}` }, verb), " ", make("span", { class: "path" }, path),
    make("span", { class: "what" }, ...bilingual(operation.summary))];
  return card(`op-${operation.operationId}`, head, `${verb} ${path} ${JSON.stringify(operation)}`,
    () => insideOf(operation, schemas));
}

function commonCard(name, answer) {
  const status = name.replace("Problem", "");
  const title = answer.description.split("\n")[0];
  const head = [make("span", { class: `status s${status[0]}` }, status), " ", ...bilingual(title)];
  return card(`common-${status}`, head, JSON.stringify(answer),
    () => make("div", { class: "inside" }, make("dl", {}, ...answerOf(status, answer))));
}

function schemaCard(name, schema) {
  return card(schemaId(name), [make("span", { class: "path" }, name)], `${name} ${JSON.stringify(schema)}`,
    () => make("div", { class: "inside" }, schema.description ? make("p", {}, schema.description) : "",
      fieldsOf(schema)));
}

// --- the page --------------------------------------------------------------------------------------

function group(id, title, cards) {
  return make("section", { id, class: "group" }, make("h2", {}, ...bilingual(title)), ...cards);
}

function groupsOf(api) {
  const schemas = api.components.schemas;
  const byTag = new Map(api.tags.map((tag) => [tag.name, []]));
  for (const [path, methods] of Object.entries(api.paths)) {
    for (const method of METHODS.filter((each) => methods[each])) {
      // A call for several audiences stands with the first one: an id is used once in a page.
      byTag.get(methods[method].tags[0]).push(operationCard(path, method, methods[method], schemas));
    }
  }
  const groups = api.tags.filter((tag) => byTag.get(tag.name).length)
    .map((tag) => [`group-${tag.name}`, tag.description, byTag.get(tag.name)]);
  const common = Object.entries(api.components.responses).map(([name, answer]) => commonCard(name, answer));
  const cards = Object.keys(schemas).sort().map((name) => schemaCard(name, schemas[name]));
  return [...groups, ["group-common", "通用错误 / Common problems", common],
    ["group-schemas", "数据结构 / Data structures", cards]];
}

function search(text) {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  let count = 0;
  for (const section of document.querySelectorAll(".group")) {
    let found = 0;
    for (const details of section.querySelectorAll("details")) {
      details.hidden = !words.every((word) => details.searchText.includes(word));
      if (!details.hidden) found += 1;
    }
    section.hidden = found === 0;
    count += found;
  }
  document.getElementById("count").textContent = words.length ? `找到 ${count} 项 · ${count} found` : "";
}

function openTarget() {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (target?.tagName !== "DETAILS") return;
  if (target.hidden) { document.getElementById("search").value = ""; search(""); }
  target.open = true;
  target.scrollIntoView();
  target.querySelector("summary").focus({ preventScroll: true });
}

function show(api) {
  document.getElementById("intro").textContent = api.info.description.replaceAll("`", "");
  const groups = groupsOf(api);
  document.getElementById("main").append(...groups.map(([id, title, cards]) => group(id, title, cards)));
  document.getElementById("groups").append(
    ...groups.map(([id, title, cards]) => make("a", { href: `#${id}` }, `${title.split(" / ")[0]} (${cards.length})`)));
  document.getElementById("search").addEventListener("input", (event) => search(event.target.value));
  window.addEventListener("hashchange", openTarget);
  openTarget();
}

async function start() {
  try {
    const answer = await fetch("/api/openapi.json");
    if (!answer.ok) throw new Error(String(answer.status));
    show(await answer.json());
  } catch {
    document.getElementById("main").append(
      make("p", { role: "alert" }, "文档暂时读不到，请稍后刷新页面。 ", english("The document can't be read; reload later.")));
  }
}

start();
