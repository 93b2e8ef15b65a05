//! What the window can ask of the app. Only this room knows how the answer comes: through Tauri in the app
//! (`tauri.ts`), from a double in a plain browser while developing (`fake.ts`).

import type {
  Abilities,
  Added,
  AddedDocuments,
  AddedOutside,
  AllPacks,
  Calibrating,
  Check,
  Comparable,
  Comparison,
  ComponentStatus,
  Conversation,
  Criterion,
  Curve,
  Dashboard,
  Discarded,
  Document,
  Download,
  Drop,
  Edit,
  Entry,
  Environment,
  Expert,
  Failure,
  Far,
  FileState,
  Folder,
  Found,
  FoundFile,
  FoundPassages,
  Going,
  HubPlace,
  Lesson,
  Limits,
  Link,
  ListedPack,
  Logged,
  Manifest,
  Meaning,
  Mixture,
  ModeCost,
  Model,
  ModelPlan,
  Moving,
  News,
  OnDisk,
  Opened,
  Pack,
  Passage,
  Pick,
  Pipeline,
  Plan,
  PlanHow,
  PoolReport,
  Profile,
  PromptHistory,
  Prospect,
  Pruned,
  Question,
  ReadingFiles,
  Reflected,
  Replayed,
  Replaying,
  Request,
  Rewording,
  RolledBack,
  Searchable,
  Served,
  Settings,
  Shown,
  ShownPrompt,
  SmallerFile,
  TokenFrom,
  TopicCount,
  Turn,
  Wanted,
  WholePlaybook,
  Wish,
  WithoutFile,
  Working,
} from "./bindings";

export interface Api {
  /** Resolves when the answer ended, in whatever way; everything else comes by `on`. */
  ask(question: Question, on: (shown: Shown) => void): Promise<void>;
  stop(answer: string): Promise<void>;
  /** Who would answer this text; loads nothing. `expert` was chosen by hand. */
  route(text: string, expert: string | null, conversation: string | null): Promise<Plan>;
  /** Whole states of the lectern, now and whenever it changes. */
  watch(on: (news: News) => void): Promise<void>;
  unseat(): Promise<void>;

  conversations(search: string | null): Promise<Conversation[]>;
  conversation(id: string): Promise<Turn[]>;
  deleteConversation(id: string): Promise<void>;
  renameConversation(id: string, title: string): Promise<void>;
  /** A past answer leaves the archive for good. */
  forget(answer: string): Promise<void>;
  rate(answer: string, rating: number): Promise<void>;
  /** What routing learned from the user, the newest first. */
  lessons(): Promise<Lesson[]>;
  /** That one is taken back; all of them with `null`. */
  unlearn(id: number | null): Promise<void>;
  /** What experts are told beside questions, and how judged answers went. */
  playbook(): Promise<WholePlaybook>;
  addBullet(domain: string, text: string): Promise<Added>;
  editBullet(id: number, change: Rewording): Promise<void>;
  /** `into` says what `id` says, and counts for both. */
  mergeBullets(id: number, into: number): Promise<void>;
  retireBullet(id: number): Promise<void>;
  /** That edit, or the newest. */
  undoBullet(number: number | null): Promise<void>;
  /** An expert is asked what good answers did that bad ones did not. */
  reflect(): Promise<Reflected>;
  /** How able experts are, and how hard questions. */
  abilities(): Promise<Abilities>;
  /** Which encoder search by meaning uses, and how far its vectors are. */
  meaning(): Promise<Meaning>;
  /** Fetches the encoder that is offered and uses it; its download is among the others. */
  fetchEncoder(): Promise<void>;
  /** Search goes by words alone again. */
  dropEncoder(): Promise<void>;

  /** The files that answers may cite, by name. */
  documents(): Promise<Document[]>;
  /** Reads files and folders. */
  addDocuments(paths: string[], on: (reading: ReadingFiles) => void): Promise<AddedDocuments>;
  /** The files that have not been read yet are not read. */
  stopReading(): Promise<boolean>;
  /** Reads those again that have changed since. */
  refreshDocuments(): Promise<AddedDocuments>;
  /** That one goes for good; all with `null`. */
  removeDocuments(id: string | null): Promise<Document[]>;
  searchDocuments(text: string): Promise<FoundPassages>;
  /** What was read of a document, in its order. */
  documentPassages(id: string): Promise<Passage[]>;
  /** The system's own dialog for documents; `null` when it was closed. */
  pickDocuments(): Promise<string[] | null>;

  experts(): Promise<Expert[]>;
  addExpert(path: string, name: string, domains: string[]): Promise<Expert>;
  /** Packs that are there, and files that are not right. */
  packs(): Promise<AllPacks>;
  /** What a file has, before it is added. */
  packAt(path: string): Promise<Pack>;
  pickPackFile(): Promise<string | null>;
  /** By its name or its file; `expert` speaks for it. */
  addPack(what: string, expert: string | null): Promise<ListedPack>;
  /** It goes with its experts, its lessons, and its bullets that nobody has changed. */
  removePack(name: string): Promise<void>;
  poolFile(): Promise<FileState>;
  pickPoolFile(): Promise<string | null>;
  /** A pool file is checked and becomes that of this home; nothing is kept of one that is not right. */
  importPool(path: string): Promise<FileState>;
  /** Where it was written; `null`: the dialog was closed. */
  exportPool(): Promise<string | null>;
  /** What the environment can set, and what holds. */
  environment(): Promise<Environment>;
  /** Until Lectern closes. */
  obeyEnvironment(obey: boolean): Promise<void>;
  /** The queue and the pool's rules are as they came; gives what was there before. */
  rollBack(): Promise<RolledBack>;
  rollForward(before: RolledBack): Promise<void>;
  /** A server becomes an expert; it is asked first whether it has the model. Refused while experts outside are switched off. */
  addEndpoint(wanted: Wanted): Promise<AddedOutside>;
  /** Where the key of an expert's server comes from. */
  keyFrom(name: string): Promise<TokenFrom>;
  setKey(name: string, key: string): Promise<void>;
  removeKey(name: string): Promise<void>;
  /** Asks an expert's server what it has. */
  served(name: string): Promise<Served>;
  /** What is said of an expert is another. */
  editExpert(name: string, edit: Partial<Edit>): Promise<Expert>;
  /** Which of its files an expert uses; `null`: the best that fits the memory. */
  chooseFile(name: string, file: string | null): Promise<Expert>;
  /** Its file goes as well when Lectern fetched it and no other expert uses it. Gives the bytes that come free. */
  removeExpert(name: string): Promise<number>;
  /** One of several files of an expert goes, and off the disk as well when Lectern fetched it and no other expert uses it. */
  removeBuild(name: string, file: string): Promise<WithoutFile>;
  /** Undoes that; possible until Lectern closes. */
  restoreBuild(name: string, file: string): Promise<Expert>;
  /** A model that Lectern fetched and no expert uses goes off the disk. */
  removeUnused(path: string): Promise<Discarded>;
  /** Undoes that; possible until Lectern closes. */
  restoreUnused(sha256: string): Promise<void>;
  /** Undoes a removal; possible until Lectern closes. */
  restoreExpert(manifest: Manifest): Promise<void>;
  /** The files of removed experts go for good. Gives the bytes that came free. */
  freeRemoved(): Promise<number>;
  /** The system's own dialog for one GGUF file; `null` when it was closed. */
  pickModelFile(): Promise<string | null>;
  pickFolder(): Promise<string | null>;

  hub(): Promise<HubPlace>;
  /** How much memory an expert may take, and how fast it would be here. */
  prospect(): Promise<Prospect>;
  /** Recommendations; asks nobody. */
  picks(): Promise<Pick[]>;
  /** Repositories of the hub that match, those that many fetched first. */
  findModels(text: string): Promise<Model[]>;
  findModel(repo: string): Promise<Model>;
  /** A search that is under way ends. */
  stopSearch(): Promise<void>;
  /** The watched folders; what is new in them is offered as an expert. */
  folders(): Promise<Folder[]>;
  /** Hears when something changed in them. */
  watchFolders(on: () => void): Promise<void>;
  /** What Lectern fetched goes to another folder, which the settings name from then on. */
  moveModels(folder: string): Promise<void>;
  goOnMoving(): Promise<void>;
  stopMoving(): Promise<void>;
  /** What there is of a move, now and whenever it changes. One that was cut off goes on. */
  watchMove(on: (moving: Moving) => void): Promise<void>;
  /** The whole list of downloads, now and whenever it changes. */
  watchDownloads(on: (downloads: Download[]) => void): Promise<void>;
  download(repo: string, file: string): Promise<number>;
  pauseDownload(id: number): Promise<void>;
  resumeDownload(id: number): Promise<void>;
  /** Nothing of it stays; a whole file stays, and only leaves the list. */
  cancelDownload(id: number): Promise<void>;
  /** The file of a download that is ready becomes an expert, once. */
  addDownloaded(id: number): Promise<Expert>;
  /** `hash`: files of one size are read, to tell whether they are the same. */
  onDisk(hash: boolean): Promise<OnDisk>;
  /** The GGUF files among these files and in these folders. */
  modelsAt(paths: string[]): Promise<FoundFile[]>;
  watchDrops(on: (drop: Drop) => void): Promise<void>;
  setToken(token: string): Promise<void>;
  removeToken(): Promise<void>;
  /** Whose token it is, as the hub says. */
  testToken(): Promise<string>;
  /** The network log, newest last. */
  requests(): Promise<Request[]>;

  settings(): Promise<Settings>;
  saveSettings(settings: Settings): Promise<void>;
  /** There is a program for graphics processors beside this one. */
  hasDeviceProgram(): Promise<boolean>;
  /** A retired expert is routed to again. */
  takeBackExpert(name: string): Promise<void>;
  status(): Promise<ComponentStatus[]>;
  /** The answers from `since` (Unix time in milliseconds; 0: all) to now. */
  dashboard(since: number): Promise<Dashboard>;
  /** Those of them that are still there. */
  answersBehind(ids: string[]): Promise<Opened[]>;
  /** As comma-separated values, where the system's own dialog is told to; `null` when it was closed. */
  exportMetrics(since: number): Promise<string | null>;
  /** What each mode takes and gains on this machine. */
  modes(): Promise<ModeCost[]>;
  /** How many questions there are to compare with: those of a file, or past ones. */
  comparable(file: string | null): Promise<Comparable>;
  /** Asks every question in both ways. */
  compare(ways: [Question, Question], file: string | null, limit: number, on: (far: Replaying) => void): Promise<Comparison>;
  stopComparison(): Promise<boolean>;
  /** The system's own dialog for one file of questions; `null` when it was closed. */
  pickQuestionFile(): Promise<string | null>;
  /** How many questions there are to search with: those of a file, or answers that were rated up. */
  searchable(file: string | null): Promise<Searchable>;
  /** Searches for a better prompt; changes nothing. */
  searchPrompt(expert: string, file: string | null, limits: Limits, on: (far: Far) => void): Promise<Found>;
  stopSearchPrompt(): Promise<boolean>;
  promptHistory(): Promise<PromptHistory>;
  /** The prompts of one search, in the order in which they were tried. */
  promptsOf(search: number): Promise<ShownPrompt[]>;
  /** The expert is asked with this prompt from now on, in these domains. */
  usePrompt(number: number, domains: string[]): Promise<void>;
  /** The expert is asked as its manifest has it again. Gives the domains where that is a change. */
  restorePrompt(expert: string): Promise<string[]>;
  forgetSearch(search: number): Promise<boolean>;
  /** The pool from end to end: prune, compose, optimise, capabilities. Changes nothing but measured figures. */
  goThroughPool(file: string | null, wish: Wish, on: (going: Going) => void): Promise<Pipeline>;
  stopGoingThrough(): Promise<boolean>;
  /** What every expert is worth by the log. */
  poolReport(): Promise<PoolReport>;
  /** The answers that an expert's figures are made of, the newest first. */
  poolAnswers(name: string): Promise<Logged[]>;
  /** Who would go for a smaller pool; asks nobody. */
  planPruning(criterion: Criterion, target: number): Promise<Pruned>;
  /** Asks past questions with everybody and without those of the plan. */
  replayPruning(pruned: Pruned, on: (far: Replaying) => void): Promise<Replayed>;
  stopReplay(): Promise<boolean>;
  /** Routing passes those of the plan by. */
  retireExperts(pruned: Pruned): Promise<void>;
  /** The newest first. */
  poolHistory(): Promise<Entry[]>;
  /** As JSON, where the system's own dialog is told to; `null` when it was closed. */
  exportPruning(plan: Pruned | null): Promise<string | null>;
  /** Experts of the pool that are mixtures. */
  mixtures(): Promise<Mixture[]>;
  mixtureAt(path: string): Promise<Mixture>;
  /** Past questions that stand alone, by what they are about. */
  questionTopics(): Promise<TopicCount[]>;
  pickQuestionFile(): Promise<string | null>;
  /** Scores every expert inside; what follows is of this model until the next scan. */
  scanMixture(file: string, expert: string | null, calibrating: Calibrating, on: (far: Working) => void): Promise<Profile>;
  /** Who stays; asks nobody. */
  planMixture(how: PlanHow): Promise<ModelPlan>;
  /** Tries several sizes. */
  curveMixture(how: PlanHow, on: (far: Working) => void): Promise<Curve>;
  /** What the last plan would lose; `rival`: and rounding to its size. */
  checkMixture(limit: number, rival: boolean, on: (far: Working) => void): Promise<Check>;
  /** The expert goes without those of the plan, until it is unmasked. */
  maskMixture(): Promise<Expert>;
  unmaskMixture(name: string): Promise<Expert>;
  /** `null`: the system's own dialog was closed. */
  writeMixture(on: (far: Working) => void): Promise<SmallerFile | null>;
  stopMixture(): Promise<boolean>;
  hostOf(url: string): Promise<Link>;
  openLink(url: string): Promise<void>;
}

/** Any error as a failure: commands reject with one; anything else is a defect of ours and says so. */
export function asFailure(error: unknown): Failure {
  if (typeof error === "object" && error !== null && "code" in error && "message" in error && "fix" in error) {
    const { code, message, fix } = error;
    const detail = "detail" in error && typeof error.detail === "string" ? error.detail : null;
    return { code: String(code), message: String(message), fix: String(fix), detail };
  }
  return {
    code: "window.unexpected",
    message: "Something went wrong that should not have.",
    fix: "Nothing that was saved is lost. Try again; if it comes back, please report it with the details.",
    detail: error instanceof Error ? (error.stack ?? error.message) : String(error),
  };
}
