//! Experts outside, the pool file and the environment, to look at. Nothing is asked of any server.
//!
//! Scenes: `outside` (one was added and may be asked), `badfile` (a pool file that is not right), `environment` (variables are set).

import type { Api } from "../api";
import type { Endpoint, Expert, Failure, FileState, Settings } from "../bindings";

export type Outside = Pick<Api, "addEndpoint" | "keyFrom" | "setKey" | "removeKey" | "served" | "poolFile" | "pickPoolFile" | "importPool" | "exportPool" | "environment" | "obeyEnvironment" | "rollBack" | "rollForward">;

type Guard = <T>(result: () => T) => Promise<T>;

export function farExpert(like: Expert, name: string, domains: string[], endpoint: Endpoint): Expert {
  const manifest = { ...like.manifest, name, title: name, domains, measured: [], examples: [], description: "", cannot: "", licence: "", fallback: false, implementations: [{ file: `${endpoint.url}#${endpoint.model}`, quantisation: "", bytes: 0, sha256: "", parameters: 0, memory_bytes: 0, endpoint }] };
  return { ...like, file: `${endpoint.url}#${endpoint.model}`, starter: false, using: 0, manifest, statistics: { ...like.statistics, answers: 0, mean_latency_ms: null, mean_tokens_per_s: null } } as Expert;
}

export function outside(
  scene: string,
  guard: Guard,
  fail: (code: string, message: string, fix: string) => Failure,
  pool: () => Expert[],
  change: (next: Expert[]) => void,
  settings: () => Settings,
  keep: (next: Settings) => void,
): Outside {
  const keys = new Set<string>();
  let obeyed = true;
  let imported = false;
  const state = (): FileState => ({
    path: "/home/you/.local/share/lectern/pool.yaml",
    is_there: scene === "badfile" || scene === "outside" || imported,
    read: scene === "badfile" ? null : 1_763_700_000_000,
    problem: scene === "badfile" ? { code: "pool.bad_file", message: "/home/you/.local/share/lectern/pool.yaml:4:10: top_k is 0: it is 1 to 64", fix: "Correct that place; until then the rules from before it hold.", detail: null } : null,
    router: { type: "neural", top_k: imported ? 3 : 1, min_confidence: 0.35 },
    aggregation: { strategy: "weighted" },
    management: { auto_scale: false, performance_threshold: 0.4, remove_underperforming: imported },
    experts: 2,
  });
  const on = scene === "environment";
  return {
    addEndpoint: ({ name, domains, url, model, key }) =>
      guard(() => {
        if (!settings().outside) throw fail("outside.off", "nothing leaves Lectern now: experts outside Lectern are switched off", "Switch on what is off in the settings if questions may leave.");
        if (!/^(https:|http:\/\/(localhost|127\.0\.0\.1)[:/])/.test(url)) throw fail("pool.bad_endpoint", `the address "${url}" cannot be used: beyond this machine only https:// is safe: anybody on the way could read along`, "Give the address of an OpenAI-compatible server, for example https://host/v1.");
        if (key) keys.add(name);
        const expert = farExpert(pool()[0] as Expert, name, domains, { url, model, context: 8192, automatic: false });
        change([...pool(), expert]);
        return { expert, unsure: model === "big" ? [] : [`${new URL(url).host} does not name ${model} among its models.`] };
      }),
    keyFrom: (name) => guard(() => (keys.has(name) ? "keyring" : "nowhere")),
    setKey: (name) => guard(() => void keys.add(name)),
    removeKey: (name) => guard(() => void keys.delete(name)),
    served: () => guard(() => ({ host: "api.example.com", has_model: true, models: ["big", "bigger"], context: 32768 })),
    poolFile: () => guard(state),
    pickPoolFile: async () => "/home/you/pool.yaml",
    importPool: (path) =>
      guard(() => {
        if (scene === "badfile") throw fail("pool.bad_file", `${path}:7:3: unknown field \`typ\`, expected one of \`type\`, \`top_k\`, \`min_confidence\``, "Correct that place; until then the rules from before it hold.");
        imported = true;
        return state();
      }),
    exportPool: () => guard(() => "/home/you/pool.yaml"),
    environment: () =>
      guard(() => ({
        obeyed,
        set: on ? ["BRAIN_MOE_TOP_K"] : [],
        knobs: [
          { variable: "BRAIN_DYNAMIC_ROUTING_ENABLED", sets: "router.dynamic", value: "on", from: "default", otherwise: "on" },
          { variable: "BRAIN_LOAD_BALANCING_ENABLED", sets: "router.load_balancing", value: "on", from: "default", otherwise: "on" },
          { variable: "BRAIN_MAX_QUEUE_DEPTH", sets: "queue.depth", value: "50", from: "default", otherwise: "50" },
          { variable: "BRAIN_MOE_BATCHING_WINDOW_MS", sets: "queue.gathering_ms", value: "200", from: "settings", otherwise: "200" },
          { variable: "BRAIN_MOE_ENABLED", sets: "router.several", value: "on", from: "default", otherwise: "on" },
          { variable: "BRAIN_MOE_MAX_CONCURRENT_PER_SKILL", sets: "queue.per_expert", value: "0", from: "default", otherwise: "0" },
          { variable: "BRAIN_MOE_TOP_K", sets: "router.top_k", value: on && obeyed ? "3" : "1", from: on && obeyed ? "environment" : "default", otherwise: "1" },
          { variable: "BRAIN_QUALITY_THRESHOLD", sets: "management.performance_threshold", value: "0.4", from: "pool_file", otherwise: "0.4" },
        ],
      })),
    obeyEnvironment: (obey) => guard(() => void (obeyed = obey)),
    rollBack: () => guard(() => ({ queue: { depth: 50, per_expert: 0, together: 8, gathering_ms: 200, waiting_s: 1800, answering_s: 1800, silence_s: 30, idle_s: 1800, warm_up: false }, pool_file: "router: {}" })),
    rollForward: () => guard(() => keep(settings())),
  };
}
