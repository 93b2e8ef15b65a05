//! A hub to look at: its models and their figures are made up. `?hub=` chooses what it does: `offline`, `lost` (no
//! connection), `gated` (nothing may be fetched without a token), `slow`, `nokeyring`.


import type { Api } from "../api";
import type { Choice, Download, Expert, Folder, FoundFile, HubPlace, HubSettings, Implementation, Model, Moving, OnDisk, Pick, Request, Source, State, Usage } from "../bindings";
import type { Documents } from "./documents";
import type { MixturePruning } from "./mixture";
import type { Outside } from "./outside";
import { failure, pause } from "./pause";
import type { Prompting } from "./prompts";
import type { Pruning } from "./pruning";
import type { PacksApi } from "./packs";
import type { PlaybookApi } from "./playbook";
import type { Reports } from "./reports";

const GB = 1e9;
const CACHE = "/home/you/.cache/huggingface/hub";
const HOST = "hub.example";

export const picks: Pick[] = [
  { title: "Qwen3 4B Instruct 2507", repo: "unsloth/Qwen3-4B-Instruct-2507-GGUF", file: "Qwen3-4B-Instruct-2507-Q4_K_M.gguf", domains: ["general", "writing", "reasoning"], memory_gb: 8, why: "The most capable answers that leave a machine of 8 GB usable.", billions: 4.02, active_billions: null },
  { title: "Gemma 2 2B", repo: "bartowski/gemma-2-2b-it-GGUF", file: "gemma-2-2b-it-Q4_K_M.gguf", domains: ["writing", "general"], memory_gb: 8, why: "The smallest here; writes pleasantly.", billions: 2.61, active_billions: null },
  { title: "Qwen2.5 Coder 3B Instruct", repo: "Qwen/Qwen2.5-Coder-3B-Instruct-GGUF", file: "qwen2.5-coder-3b-instruct-q4_k_m.gguf", domains: ["code"], memory_gb: 8, why: "Trained on code; short functions and questions about code.", billions: 3.09, active_billions: null },
  { title: "Llama 3.1 8B Instruct", repo: "bartowski/Meta-Llama-3.1-8B-Instruct-GGUF", file: "Meta-Llama-3.1-8B-Instruct-Q4_K_M.gguf", domains: ["general", "writing"], memory_gb: 16, why: "A dependable all-rounder with a long context.", billions: 8.03, active_billions: null },
  { title: "Qwen3 8B", repo: "bartowski/Qwen_Qwen3-8B-GGUF", file: "Qwen_Qwen3-8B-Q4_K_M.gguf", domains: ["reasoning", "mathematics", "general"], memory_gb: 16, why: "Thinks before it answers where that helps.", billions: 8.19, active_billions: null },
  { title: "Gemma 2 9B", repo: "bartowski/gemma-2-9b-it-GGUF", file: "gemma-2-9b-it-Q4_K_M.gguf", domains: ["writing", "general"], memory_gb: 16, why: "Writes well, in many languages.", billions: 9.24, active_billions: null },
  { title: "Qwen2.5 Coder 7B Instruct", repo: "Qwen/Qwen2.5-Coder-7B-Instruct-GGUF", file: "qwen2.5-coder-7b-instruct-q4_k_m.gguf", domains: ["code"], memory_gb: 16, why: "Trained on code; the usual choice of its size.", billions: 7.62, active_billions: null },
  { title: "Qwen2.5 Math 7B Instruct", repo: "bartowski/Qwen2.5-Math-7B-Instruct-GGUF", file: "Qwen2.5-Math-7B-Instruct-Q4_K_M.gguf", domains: ["mathematics"], memory_gb: 16, why: "Trained on mathematics alone; for nothing else.", billions: 7.62, active_billions: null },
  { title: "Phi-4", repo: "bartowski/phi-4-GGUF", file: "phi-4-Q4_K_M.gguf", domains: ["reasoning", "mathematics", "general"], memory_gb: 32, why: "14 billion parameters, strong at steps and science.", billions: 14.7, active_billions: null },
  { title: "Qwen3 Coder 30B-A3B Instruct", repo: "unsloth/Qwen3-Coder-30B-A3B-Instruct-GGUF", file: "Qwen3-Coder-30B-A3B-Instruct-Q4_K_M.gguf", domains: ["code"], memory_gb: 64, why: "A mixture trained on code: large, and quick for its size.", billions: 30.5, active_billions: 3.3 },
];

const bits: [string, number][] = [["Q2_K", 3.2], ["Q3_K_M", 3.9], ["Q4_K_M", 4.9], ["Q5_K_M", 5.7], ["Q6_K", 6.6], ["Q8_0", 8.5], ["F16", 16]];

function model(repo: string, billions: number, rest: Partial<Model> = {}, budget = 8 * GB): Model {
  const stem = (repo.split("/").at(-1) ?? repo).replace(/-GGUF$/i, "");
  const files = bits.map(([quantisation, width]): Choice => {
    const size = Math.round((billions * GB * width) / 8);
    const memory = Math.round(size * 1.14 + 67e6);
    return { file: `${stem}-${quantisation}.gguf`, size, sha256: null, quantisation, memory_bytes: memory, tokens_per_s: Math.round(3.1e11 / size) / 10, fits: memory <= budget, here: false, why_not: null };
  });
  return { repo, licence: "apache-2.0", gated: false, downloads: 1_240_000, architecture: "qwen3", parameters: billions * GB, context_length: 40_960, supported: true, why_not: null, files, ...rest };
}

function models(): Model[] {
  const here = model("unsloth/Qwen3-4B-Instruct-2507-GGUF", 4.02, { downloads: 864_000, context_length: 262_144 });
  here.files = here.files.map((file) => ({ ...file, here: file.quantisation === "Q4_K_M" }));
  const pieces = model("unsloth/Qwen3-235B-A22B-GGUF", 235, { architecture: "qwen3moe", downloads: 31_200 });
  pieces.files = pieces.files.slice(0, 3).map((file) => ({ ...file, file: file.file.replace(".gguf", "-00001-of-00003.gguf"), why_not: "it is one piece of several, which have to be joined first" }));
  return [
    model("bartowski/Qwen_Qwen3-8B-GGUF", 8.19),
    here,
    model("bartowski/Qwen_Qwen3-30B-A3B-GGUF", 30.5, { architecture: "qwen3moe", downloads: 412_000 }),
    model("bartowski/google_gemma-3-12b-it-qat-with-a-remarkably-long-name-GGUF", 11.8, { gated: true, licence: "gemma", architecture: "gemma3", downloads: 98_000, context_length: 131_072 }),
    model("someone/Mamba-2.8B-GGUF", 2.8, { architecture: "mamba", supported: false, why_not: "the architecture \"mamba\" is not supported", licence: null, downloads: 2_140, context_length: null }),
    pieces,
    model("someone/unnamed-GGUF", 0.5, { architecture: null, parameters: null, supported: null, licence: null, downloads: 41, context_length: null }),
  ];
}

type Hub = Omit<Api, "ask" | "stop" | "route" | "watch" | "unseat" | "conversations" | "conversation" | "deleteConversation" | "renameConversation" | "forget" | "rate" | "lessons" | "unlearn" | "meaning" | "fetchEncoder" | "dropEncoder" | "experts" | "addExpert" | "settings" | "saveSettings" | "hasDeviceProgram" | "takeBackExpert" | "status" | "hostOf" | "openLink" | "pickModelFile" | keyof Documents | keyof MixturePruning | keyof Pruning | keyof Reports | keyof Prompting | keyof Outside | keyof PlaybookApi | keyof PacksApi>;

export function hub(
  parameters: URLSearchParams,
  guard: <T>(result: () => T) => Promise<T>,
  experts: () => Expert[],
  put: (experts: Expert[]) => void,
  settings: () => HubSettings,
): Hub {
  const scene = parameters.get("hub") ?? "";
  const pace = Number(parameters.get("pace") ?? 1);
  let token: HubPlace["token"] = "nowhere";
  let downloads: Download[] = [];
  let tell: (downloads: Download[]) => void = () => {};
  const requests: Request[] = [];
  const running = new Map<number, ReturnType<typeof setInterval>>();
  const removed = new Map<string, Expert>();
  /** By the file that was taken from them. */
  const shortened = new Map<string, Expert>();
  let made = 0;

  const offline = () => (scene === "offline" || settings().offline ? "you switched it off" : null);

  /** What every command that needs the network goes through. */
  async function asked(why: string, bytes: number, wait = 250): Promise<void> {
    const off = offline();
    if (off) throw failure("hub.offline", `Lectern is offline: ${off}`, "Switch offline off in the settings (or unset HF_HUB_OFFLINE) to use the hub.", "");
    requests.push({ when: Date.now(), host: HOST, why, status: scene === "lost" ? null : 200, bytes: scene === "lost" ? 0 : bytes, with_token: token !== "nowhere" });
    await pause(scene === "slow" ? 60_000 : wait * pace);
    if (scene === "lost") throw failure("hub.connection", `${HOST} cannot be reached: dns error`, "Check the network, then start it again: it goes on where it stopped.", "failed to lookup address information");
  }

  function show(id: number, state: State): void {
    downloads = downloads.map((one) => (one.id === id ? { ...one, state } : one));
    tell(downloads);
  }

  const halt = (id: number) => {
    clearInterval(running.get(id));
    running.delete(id);
  };

  function run(id: number): void {
    const one = downloads.find((download) => download.id === id);
    if (!one) return;
    const size = models().find((other) => other.repo === one.name.repo)?.files.find((file) => file.file === one.name.file)?.size ?? 4.9 * GB;
    let done = one.state.state === "paused" ? one.state.done_bytes : 0;
    if (running.size >= settings().downloads_at_once) return show(id, { state: "queued" });
    show(id, { state: "finding" });
    const speed = 42e6;
    const timer = setInterval(() => {
      if (scene === "gated") {
        halt(id);
        return show(id, { state: "failed", failure: failure("hub.gated", `${one.name.repo} is open to those alone whom its owner lets in`, `Sign in and accept its terms at https://${HOST}/${one.name.repo}, then give Lectern a token of that account.`, "") });
      }
      done = Math.min(size, done + speed * (pace < 1 ? 20 : 1));
      if (done < size) return show(id, { state: "fetching", done_bytes: done, total_bytes: size, bytes_per_s: speed, seconds_left: (size - done) / speed, waits: null });
      halt(id);
      show(id, { state: "ready", fetched: { name: one.name, commit: "a".repeat(40), path: `${CACHE}/models--${one.name.repo.replace("/", "--")}/snapshots/${one.name.file}`, sha256: `${id}`.padStart(64, "0"), bytes: size, resumed_from: 0, received: size } });
      const next = downloads.find((download) => download.state.state === "queued");
      if (next) run(next.id);
    }, Math.max(20, 1000 * pace));
    running.set(id, timer);
  }

  if (scene === "busy") {
    const name = (repo: string, file: string) => ({ repo, revision: "main", file });
    downloads = [
      { id: 1, name: name("bartowski/Qwen_Qwen3-8B-GGUF", "Qwen_Qwen3-8B-Q4_K_M.gguf"), state: { state: "fetching", done_bytes: 1.21 * GB, total_bytes: 5.03 * GB, bytes_per_s: 11.4e6, seconds_left: 335, waits: null } },
      { id: 2, name: name("bartowski/Meta-Llama-3.1-8B-Instruct-GGUF", "Meta-Llama-3.1-8B-Instruct-Q4_K_M.gguf"), state: { state: "fetching", done_bytes: 3.4 * GB, total_bytes: 4.92 * GB, bytes_per_s: null, seconds_left: null, waits: "hub.example cannot be reached: connection reset" } },
      { id: 3, name: name("bartowski/gemma-2-9b-it-GGUF", "gemma-2-9b-it-Q4_K_M.gguf"), state: { state: "paused", done_bytes: 2.2 * GB, total_bytes: 5.76 * GB } },
      { id: 4, name: name("Qwen/Qwen2.5-Coder-7B-Instruct-GGUF", "qwen2.5-coder-7b-instruct-q4_k_m.gguf"), state: { state: "failed", failure: failure("hub.no_space", "qwen2.5-coder-7b-instruct-q4_k_m.gguf needs 4683073536 bytes and 2101346304 are free on the disk of /home/you/.cache/huggingface/hub (268435456 stay free)", "Free disk space or choose a smaller quantisation. What is here already stays.", "") } },
      { id: 5, name: name("bartowski/phi-4-GGUF", "phi-4-Q4_K_M.gguf"), state: { state: "queued" } },
      { id: 6, name: name("bartowski/gemma-2-2b-it-GGUF", "gemma-2-2b-it-Q4_K_M.gguf"), state: { state: "ready", fetched: { name: name("bartowski/gemma-2-2b-it-GGUF", "gemma-2-2b-it-Q4_K_M.gguf"), commit: "a".repeat(40), path: `${CACHE}/gemma.gguf`, sha256: "6".repeat(64), bytes: 1.71 * GB, resumed_from: 0, received: 1.71 * GB } } },
    ];
    made = 6;
  }

  let came = false;
  let moved: Extract<Moving, { state: "going" }>["moved"] | null = null;
  let tellMove: (moving: Moving) => void = () => {};
  let mover: ReturnType<typeof setInterval> | undefined;

  function step(): void {
    clearInterval(mover);
    mover = setInterval(() => {
      if (!moved) return;
      moved = { ...moved, done_bytes: Math.min(moved.total_bytes, moved.done_bytes + 0.4 * GB) };
      const is = moved.done_bytes < moved.total_bytes;
      if (!is) clearInterval(mover);
      tellMove({ state: is ? "going" : "done", moved });
    }, Math.max(20, 600 * pace));
  }

  /** A folder has two files of one model, and one that is none; another comes with `arrived`. */
  function look(): Folder[] {
    const offers = settings().folders.flatMap((folder) => {
      const build = (quantisation: string, width: number) => ({ file: `${folder}/Ministral-3B-${quantisation}.gguf`, quantisation, bytes: (3.3 * GB * width) / 8, sha256: "", parameters: 3.3 * GB, memory_bytes: (3.3 * GB * width) / 8 + 0.5 * GB });
      const base = experts()[0] as Expert;
      const implementations = [build("Q4_K_M", 4.9), build("Q8_0", 8.5)].slice(0, came ? 2 : 1);
      const manifest = { ...base.manifest, name: "ministral-3b", title: "Ministral 3B", domains: [], measured: [], examples: [], description: "", cannot: "", offer: "open" as const, implementations };
      return [{ ...base, file: implementations.at(-1)?.file ?? "", using: implementations.length - 1, starter: false, manifest, statistics: { ...base.statistics, answers: 0, mean_latency_ms: null, mean_tokens_per_s: null } }];
    });
    put([...experts().filter((expert) => expert.manifest.offer !== "open"), ...offers.slice(0, 1)]);
    return settings().folders.map((path) => ({
      path,
      here: true,
      files: [
        ...offers.slice(0, 1).flatMap((one) => one.manifest.implementations.map((its) => ({ path: its.file, bytes: its.bytes, expert: one.manifest.name, why_not: null }))),
        { path: `${path}/clip.gguf`, bytes: 0.6 * GB, expert: null, why_not: 'the architecture "clip" is not supported' },
      ],
    }));
  }

  const found = (name: string, path: string, bytes: number, source: Source, users: string[] = [], sha256: string | null = null): FoundFile => ({ name, path, bytes, source, sha256, experts: users });

  let unused: FoundFile | null = scene === "busy" ? found("bartowski/phi-2-GGUF:phi-2-Q4_K_M.gguf", `${CACHE}/models--bartowski--phi-2-GGUF/snapshots/e5/phi-2-Q4_K_M.gguf`, 1.79 * GB, "fetched", [], "e".repeat(64)) : null;
  let gone: FoundFile | null = null;

  function onDisk(): OnDisk {
    const own = experts();
    const usage = (expert: Expert): Usage => ({ expert: expert.manifest.name, path: expert.file, bytes: expert.manifest.implementations[0]?.bytes ?? 0, source: expert.starter ? "starter" : "fetched", last_used: expert.statistics.last_used ?? null, frees: !expert.starter });
    const files = own.map((expert) => found(expert.file.split("/").at(-1) ?? "", expert.file, expert.manifest.implementations[0]?.bytes ?? 0, expert.starter ? "starter" : "fetched", [expert.manifest.name]));
    if (parameters.get("scene") === "first") return { experts: own.map(usage), files, copies: [], cache: CACHE, free_bytes: 122 * GB };
    const elsewhere = [
      found("bartowski/Mistral-7B-Instruct-v0.3-GGUF:Mistral-7B-Instruct-v0.3-Q4_K_M.gguf", `${CACHE}/models--bartowski--Mistral-7B-Instruct-v0.3-GGUF/snapshots/c3/Mistral-7B-Instruct-v0.3-Q4_K_M.gguf`, 4.37 * GB, "hugging_face", [], "c".repeat(64)),
      found("mistral:7b", "/home/you/.ollama/models/blobs/sha256-cccc", 4.37 * GB, "ollama", [], "c".repeat(64)),
      found("llama3.2:3b", "/home/you/.ollama/models/blobs/sha256-dddd", 2.02 * GB, "ollama", [], "d".repeat(64)),
      found("lmstudio-community/gemma-3-4b-it-GGUF/gemma-3-4b-it-Q4_K_M.gguf", "/home/you/.lmstudio/models/lmstudio-community/gemma-3-4b-it-GGUF/gemma-3-4b-it-Q4_K_M.gguf", 2.49 * GB, "lm_studio"),
    ];
    if (unused) elsewhere.push(unused);
    const copies = [{ sha256: "c".repeat(64), bytes: 4.37 * GB, paths: elsewhere.slice(0, 2).map((file) => file.path) }];
    return { experts: own.map(usage), files: [...files, ...elsewhere].sort((a, b) => b.bytes - a.bytes), copies, cache: CACHE, free_bytes: 122 * GB };
  }

  return {
    hub: () => guard(() => ({ endpoint: settings().endpoint ?? `https://${HOST}`, cache: settings().cache ?? CACHE, offline: offline(), token })),
    picks: () => guard(() => picks),
    prospect: () => guard(() => ({ budget_bytes: 8 * GB, bytes_per_s: 21e9, by_answers: false })),
    stopSearch: async () => undefined,
    folders: () => guard(look),
    watchFolders: async (on) => {
      // In a browser no file comes by itself: `window.arrived()` in its console takes its place.
      Object.assign(window, { arrived: () => ((came = true), on()) });
    },
    moveModels: async (folder) => {
      moved = { from: CACHE, to: folder, done_bytes: 0, total_bytes: 6.8 * GB, files: 2, damaged: [] };
      step();
    },
    goOnMoving: async () => step(),
    stopMoving: async () => {
      clearInterval(mover);
      if (moved) tellMove({ state: "paused", moved });
    },
    watchMove: async (on) => {
      tellMove = on;
      on({ state: "still" });
    },
    editExpert: (name, edit) =>
      guard(() => {
        const one = experts().find((expert) => expert.manifest.name === name) as Expert;
        if (edit.temperature != null && !(edit.temperature >= 0 && edit.temperature <= 5)) throw failure("pool.bad_edit", "the temperature is not from 0 to 5", "Nothing was changed. Give another value.", "");
        const { title, domains, system_prompt, max_tokens, automatic, ...sampling } = edit;
        const said = { title: title ?? one.manifest.title, domains: domains ?? one.manifest.domains, system_prompt: system_prompt || null, max_tokens: max_tokens ?? one.manifest.max_tokens };
        const files = one.manifest.implementations.map((its) => (its.endpoint && automatic != null ? { ...its, endpoint: { ...its.endpoint, automatic } } : its));
        const next = { ...one, manifest: { ...one.manifest, ...said, implementations: files, sampling: { ...one.manifest.sampling, ...sampling } as Expert["manifest"]["sampling"] } };
        put(experts().map((expert) => (expert === one ? next : expert)));
        return next;
      }),
    chooseFile: (name, file) =>
      guard(() => {
        const one = experts().find((expert) => expert.manifest.name === name) as Expert;
        const at = one.manifest.implementations.findIndex((its) => its.file === file);
        const next = { ...one, using: Math.max(0, at), manifest: { ...one.manifest, uses: file } };
        put(experts().map((expert) => (expert === one ? next : expert)));
        return next;
      }),
    findModels: async (text) => {
      await asked(`search for "${text}"`, 18_400, 700);
      const words = text.toLowerCase().split(/\s+/);
      return models().filter((one) => words.every((word) => one.repo.toLowerCase().includes(word)));
    },
    findModel: async (repo) => {
      await asked(`see the files of ${repo}`, 6_120);
      return models().find((one) => one.repo === repo) ?? model(repo, 7.6);
    },
    watchDownloads: async (on) => {
      tell = on;
      on(downloads);
    },
    download: async (repo, file) => {
      const known = downloads.find((one) => one.name.repo === repo && one.name.file === file);
      const id = known?.id ?? (made += 1);
      if (!known) downloads = [...downloads, { id, name: { repo, revision: "main", file }, state: { state: "queued" } }];
      requests.push({ when: Date.now(), host: "cdn.hub.example", why: `fetch ${repo}:${file}`, status: 206, bytes: 67_108_864, with_token: false });
      run(id);
      return id;
    },
    pauseDownload: async (id) => {
      halt(id);
      const state = downloads.find((one) => one.id === id)?.state;
      const at = state?.state === "fetching" ? state : { done_bytes: 0, total_bytes: 0 };
      show(id, { state: "paused", done_bytes: at.done_bytes, total_bytes: at.total_bytes });
    },
    resumeDownload: async (id) => run(id),
    cancelDownload: async (id) => {
      halt(id);
      downloads = downloads.filter((one) => one.id !== id);
      tell(downloads);
    },
    addDownloaded: async (id) => {
      await pause(600 * pace);
      const one = downloads.find((download) => download.id === id);
      const base = experts()[0] as Expert;
      const title = one?.name.file.replace(/\.gguf$/, "") ?? "";
      const name = title.toLowerCase().replace(/[^a-z0-9]+/g, "-").slice(0, 36);
      const bytes = one?.state.state === "ready" ? one.state.fetched.bytes : 0;
      const file = `${CACHE}/${title}.gguf`;
      const build = { file, quantisation: "Q4_K_M", bytes, sha256: "", parameters: 8.19e9, memory_bytes: 0 };
      // Somebody who is busy has the model twice.
      const implementations = scene === "busy" ? [build, { ...build, file: file.replace("Q4_K_M", "Q8_0"), quantisation: "Q8_0", bytes: 1.7 * bytes }] : [build];
      const expert = { ...base, file, starter: false, statistics: { ...base.statistics, answers: 0, last_used: null, mean_latency_ms: null, mean_tokens_per_s: null } };
      expert.manifest = { ...base.manifest, name, title, domains: ["general"], measured: [], examples: [], description: "", cannot: "", offer: "accepted", uses: null, implementations };
      if (!experts().some((other) => other.manifest.name === name)) put([...experts(), expert]);
      return expert;
    },
    removeExpert: (name) =>
      guard(() => {
        const gone = experts().find((expert) => expert.manifest.name === name);
        if (gone) removed.set(name, gone);
        put(experts().filter((expert) => expert.manifest.name !== name));
        return gone?.file.startsWith(CACHE) ? (gone.manifest.implementations[0]?.bytes ?? 0) : 0;
      }),
    removeBuild: (name, wanted) =>
      guard(() => {
        const one = experts().find((expert) => expert.manifest.name === name) as Expert;
        const [file, ...others] = one.manifest.implementations.toSorted((a) => (a.file === wanted ? -1 : 1));
        const uses = one.manifest.uses === wanted ? null : one.manifest.uses;
        const expert = { ...one, using: 0, file: others[0]?.file ?? "", manifest: { ...one.manifest, uses, implementations: others } };
        shortened.set(wanted, one);
        put(experts().map((other) => (other === one ? expert : other)));
        return { file: file as Implementation, freed_bytes: file?.bytes ?? 0, expert };
      }),
    restoreBuild: (name, file) =>
      guard(() => {
        const back = shortened.get(file) as Expert;
        put(experts().map((other) => (other.manifest.name === name ? back : other)));
        return back;
      }),
    removeUnused: (path) =>
      guard(() => {
        const [repo = "", file = ""] = unused?.name.split(":") ?? [];
        gone = unused;
        unused = null;
        return { repo, file, sha256: gone?.sha256 ?? path, bytes: gone?.bytes ?? 0 };
      }),
    restoreUnused: async () => void (unused = gone),
    restoreExpert: (manifest) =>
      guard(() => {
        const back = removed.get(manifest.name);
        if (back) put([...experts(), back]);
      }),
    freeRemoved: () =>
      guard(() => {
        removed.clear();
        return 0;
      }),
    onDisk: async (hash) => {
      await pause(hash ? 1500 * pace : 40);
      return guard(onDisk);
    },
    modelsAt: (paths) =>
      guard(() => paths.flatMap((path) => (path.endsWith(".gguf") ? [path] : path.includes(".") ? [] : [`${path}/Mistral-7B-Instruct-v0.3-Q4_K_M.gguf`, `${path}/old/tinyllama-1.1b.Q8_0.gguf`])).map((path) => found(path.split("/").at(-1) ?? path, path, 4.37 * GB, "elsewhere"))),
    watchDrops: async (on) => {
      // In a browser, dragged files have no path: `window.dropped(["/x/y.gguf"])` in its console takes their place.
      Object.assign(window, { dropped: (list: string[]) => on({ drop: "files", paths: list }), dragged: (is: boolean) => on({ drop: is ? "over" : "gone" }) });
    },
    pickFolder: async () => "/home/you/models",
    setToken: async () => {
      token = scene === "nokeyring" ? "session" : "keyring";
      if (scene === "nokeyring") throw failure("hub.keyring", "the keyring of this system cannot be used: none is running; the token is in use until Lectern closes", "Start or unlock it (GNOME Keyring, KWallet, ...), or set HF_TOKEN for this session alone.", "");
    },
    removeToken: async () => void (token = "nowhere"),
    testToken: async () => {
      await asked("test the token", 312);
      return "ada";
    },
    requests: () => guard(() => requests),
  };
}
