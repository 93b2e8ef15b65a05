//! The app behind the window: commands and channels of Tauri.

import { Channel, invoke } from "@tauri-apps/api/core";
import { open } from "@tauri-apps/plugin-dialog";
import type { Api } from "./api";
import type { Download, Drop, Far, Going, Moving, News, ReadingFiles, Replaying, Shown, Working } from "./bindings";

function channel<T>(on: (message: T) => void): Channel<T> {
  const events = new Channel<T>();
  events.onmessage = on;
  return events;
}

export const tauri: Api = {
  async ask(question, on) {
    await invoke("ask", { question, events: channel<Shown>(on) });
  },
  stop: (id) => invoke("stop", { id }),
  route: (text, expert, conversation) => invoke("route", { text, expert, conversation }),
  async watch(on) {
    await invoke("watch", { news: channel<News>(on) });
  },
  unseat: () => invoke("unseat"),

  conversations: (search) => invoke("conversations", { search }),
  conversation: (id) => invoke("conversation", { id }),
  deleteConversation: (id) => invoke("delete_conversation", { id }),
  renameConversation: (id, title) => invoke("rename_conversation", { id, title }),
  forget: (id) => invoke("forget", { id }),
  rate: (id, rating) => invoke("rate", { id, rating }),
  lessons: () => invoke("lessons"),
  unlearn: (id) => invoke("unlearn", { id }),
  playbook: () => invoke("playbook"),
  addBullet: (domain, text) => invoke("add_bullet", { domain, text }),
  editBullet: (id, change) => invoke("edit_bullet", { id, change }),
  mergeBullets: (id, into) => invoke("merge_bullets", { id, into }),
  retireBullet: (id) => invoke("retire_bullet", { id }),
  undoBullet: (number) => invoke("undo_bullet", { number }),
  reflect: () => invoke("reflect"),
  abilities: () => invoke("abilities"),
  meaning: () => invoke("meaning"),
  fetchEncoder: () => invoke("fetch_encoder"),
  dropEncoder: () => invoke("drop_encoder"),

  documents: () => invoke("documents"),
  addDocuments: (paths, on) => invoke("add_documents", { paths, progress: channel<ReadingFiles>(on) }),
  stopReading: () => invoke("stop_reading"),
  refreshDocuments: () => invoke("refresh_documents"),
  removeDocuments: (id) => invoke("remove_documents", { id }),
  searchDocuments: (text) => invoke("search_documents", { text }),
  documentPassages: (id) => invoke("document_passages", { id }),
  pickDocuments: () => open({ multiple: true, directory: false }),

  experts: () => invoke("experts"),
  packs: () => invoke("packs"),
  packAt: (path) => invoke("pack_at", { path }),
  pickPackFile: () => open({ multiple: false, directory: false, filters: [{ name: "YAML", extensions: ["yaml", "yml"] }] }),
  addPack: (what, expert) => invoke("add_pack", { what, expert }),
  removePack: (name) => invoke("remove_pack", { name }),
  poolFile: () => invoke("pool_file"),
  pickPoolFile: () => open({ multiple: false, directory: false, filters: [{ name: "YAML", extensions: ["yaml", "yml"] }] }),
  importPool: (path) => invoke("import_pool", { path }),
  exportPool: () => invoke("export_pool"),
  environment: () => invoke("environment"),
  obeyEnvironment: (obey) => invoke("obey_environment", { obey }),
  rollBack: () => invoke("roll_back"),
  rollForward: (before) => invoke("roll_forward", { before }),
  addEndpoint: (wanted) => invoke("add_endpoint", { wanted }),
  keyFrom: (name) => invoke("key_from", { name }),
  setKey: (name, key) => invoke("set_key", { name, text: key }),
  removeKey: (name) => invoke("remove_key", { name }),
  served: (name) => invoke("served", { name }),
  addExpert: (path, name, domains) => invoke("add_expert", { path, name, domains }),
  editExpert: (name, edit) => invoke("edit_expert", { name, edit }),
  chooseFile: (name, file) => invoke("choose_file", { name, file }),
  removeExpert: (name) => invoke("remove_expert", { name }),
  removeBuild: (name, file) => invoke("remove_build", { name, file }),
  removeUnused: (path) => invoke("remove_unused", { path }),
  restoreUnused: (sha256) => invoke("restore_unused", { sha256 }),
  restoreBuild: (name, file) => invoke("restore_build", { name, file }),
  pickModelFile: () =>
    open({ multiple: false, directory: false, filters: [{ name: "GGUF", extensions: ["gguf"] }] }),
  pickFolder: () => open({ multiple: false, directory: true }),
  restoreExpert: (manifest) => invoke("restore_expert", { manifest }),
  freeRemoved: () => invoke("free_removed"),

  hub: () => invoke("hub"),
  prospect: () => invoke("prospect"),
  picks: () => invoke("picks"),
  findModels: (text) => invoke("find_models", { text }),
  findModel: (repo) => invoke("find_model", { repo }),
  stopSearch: () => invoke("stop_search"),
  folders: () => invoke("folders"),
  async watchFolders(on) {
    await invoke("watch_folders", { changes: channel<null>(on) });
  },
  moveModels: (folder) => invoke("move_models", { folder }),
  goOnMoving: () => invoke("go_on_moving"),
  stopMoving: () => invoke("stop_moving"),
  async watchMove(on) {
    await invoke("watch_move", { moving: channel<Moving>(on) });
  },
  async watchDownloads(on) {
    await invoke("watch_downloads", { downloads: channel<Download[]>(on) });
  },
  download: (repo, file) => invoke("download", { repo, file }),
  pauseDownload: (id) => invoke("pause_download", { id }),
  resumeDownload: (id) => invoke("resume_download", { id }),
  cancelDownload: (id) => invoke("cancel_download", { id }),
  addDownloaded: (id) => invoke("add_downloaded", { id }),
  onDisk: (hash) => invoke("on_disk", { hash }),
  modelsAt: (paths) => invoke("models_at", { paths }),
  async watchDrops(on) {
    await invoke("watch_drops", { drops: channel<Drop>(on) });
  },
  setToken: (token) => invoke("set_token", { token }),
  removeToken: () => invoke("remove_token"),
  testToken: () => invoke("test_token"),
  requests: () => invoke("requests"),

  settings: () => invoke("settings"),
  saveSettings: (settings) => invoke("save_settings", { settings }),
  takeBackExpert: (name) => invoke("take_back_expert", { name }),
  hasDeviceProgram: () => invoke("has_device_program"),
  status: () => invoke("status"),
  dashboard: (since) => invoke("dashboard", { since: Math.round(since) }),
  answersBehind: (ids) => invoke("answers_behind", { ids }),
  exportMetrics: (since) => invoke("export_metrics", { since: Math.round(since) }),
  modes: () => invoke("modes"),
  comparable: (file) => invoke("comparable", { file }),
  compare: (ways, file, limit, on) => invoke("compare", { ways, file, limit, progress: channel<Replaying>(on) }),
  stopComparison: () => invoke("stop_comparison"),
  pickQuestionFile: () => open({ multiple: false, directory: false, filters: [{ name: "JSON lines", extensions: ["jsonl", "json", "txt"] }] }),
  searchable: (file) => invoke("searchable", { file }),
  searchPrompt: (expert, file, limits, on) => invoke("search_prompt", { expert, file, limits, progress: channel<Far>(on) }),
  stopSearchPrompt: () => invoke("stop_search_prompt"),
  promptHistory: () => invoke("prompt_history"),
  promptsOf: (search) => invoke("prompts_of", { search }),
  usePrompt: (number, domains) => invoke("use_prompt", { number, domains }),
  restorePrompt: (expert) => invoke("restore_prompt", { expert }),
  forgetSearch: (search) => invoke("forget_search", { search }),
  goThroughPool: (file, wish, on) => invoke("go_through_pool", { file, wish, progress: channel<Going>(on) }),
  stopGoingThrough: () => invoke("stop_going_through"),
  poolReport: () => invoke("pool_report"),
  poolAnswers: (name) => invoke("pool_answers", { name }),
  planPruning: (criterion, target) => invoke("plan_pruning", { criterion, target }),
  replayPruning: (pruned, on) => invoke("replay_pruning", { pruned, progress: channel<Replaying>(on) }),
  stopReplay: () => invoke("stop_replay"),
  retireExperts: (pruned) => invoke("retire_experts", { pruned }),
  poolHistory: () => invoke("pool_history"),
  exportPruning: (plan) => invoke("export_pruning", { plan }),
  mixtures: () => invoke("mixtures"),
  mixtureAt: (path) => invoke("mixture_at", { path }),
  questionTopics: () => invoke("question_topics"),
  scanMixture: (file, expert, calibrating, on) => invoke("scan_mixture", { file, expert, calibrating, progress: channel<Working>(on) }),
  planMixture: (how) => invoke("plan_mixture", { how }),
  curveMixture: (how, on) => invoke("curve_mixture", { how, progress: channel<Working>(on) }),
  checkMixture: (limit, rival, on) => invoke("check_mixture", { limit, rival, progress: channel<Working>(on) }),
  maskMixture: () => invoke("mask_mixture"),
  unmaskMixture: (name) => invoke("unmask_mixture", { name }),
  writeMixture: (on) => invoke("write_mixture", { progress: channel<Working>(on) }),
  stopMixture: () => invoke("stop_mixture"),
  hostOf: (url) => invoke("host_of", { url }),
  openLink: (url) => invoke("open_link", { url }),
};
