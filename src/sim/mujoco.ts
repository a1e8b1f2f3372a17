// MuJoCo behind one door: the only file that imports @mujoco/mujoco.
//
// An Engine is one instance of the WASM module with its own file system and heap; a Simulation owns one compiled model
// and its data on that heap. Neither is garbage-collected: whoever makes one disposes of it. Array properties of models
// and data are live views of the heap, and die when the heap grows: re-read them (see Simulation.views()).

import loadModule, { type MainModule, type MjData, type MjModel, type MjSpec } from '@mujoco/mujoco';
import { DataError } from '../base/errors.js';

export type { MjData, MjModel, MjSpec, MjsGeom } from '@mujoco/mujoco';
export type MujocoModule = MainModule;

/** The files of a model, as bytes, by path relative to the main file's folder (`../meshes/leg.stl` is possible). */
export interface ModelFiles {
  readonly main: string;
  readonly files: Readonly<Record<string, Uint8Array>>;
}

// The main file lies this deep in the module's file system, so that `../` paths stay inside.
const MODEL_FOLDER = '/model/a/b/c/d/e/f/g';
const MOST_WARNINGS = 20;

export class Engine {
  readonly module: MujocoModule;
  /** MuJoCo's own warnings since loading, the first few of them. */
  readonly warnings: readonly string[];

  private constructor(module: MujocoModule, warnings: readonly string[]) {
    this.module = module;
    this.warnings = warnings;
  }

  /** Instantiates the WASM module: about 0.15 s and 30 MB. One engine serves many simulations. */
  static async load(): Promise<Engine> {
    const warnings: string[] = [];
    const note = (text: string) => {
      if (warnings.length < MOST_WARNINGS) warnings.push(text);
    };
    return new Engine(await loadModule({ print: note, printErr: note }), warnings);
  }

  /**
   * Parses a model file and what it includes; the caller edits the result, compiles it and deletes it.
   * @throws DataError with MuJoCo's own message
   */
  parse(source: ModelFiles): MjSpec {
    const { FS } = this.module;
    removeTree(FS, '/model');
    FS.mkdirTree(MODEL_FOLDER, undefined);
    for (const [path, bytes] of Object.entries(source.files)) {
      const target = normalise(`${MODEL_FOLDER}/${path}`);
      FS.mkdirTree(target.slice(0, target.lastIndexOf('/')), undefined);
      FS.writeFile(target, bytes);
    }
    FS.chdir(MODEL_FOLDER);
    const text = new TextDecoder().decode(source.files[source.main]);
    return this.#explain(source.main, () => this.module.parseXMLString(text));
  }

  /** Compiles an edited spec. The spec's files must be the ones last parsed. @throws DataError */
  compile(spec: MjSpec, where: string): MjModel {
    return this.#explain(where, () => this.module.mj_compile(spec));
  }

  #explain<T>(where: string, action: () => T): T {
    try {
      return action();
    } catch (error) {
      const text = error instanceof Error ? error.message : String(error);
      const found = text.replace(/^MuJoCo Error: /, '').replace(/\s*\n\s*/g, ', ');
      throw new DataError({ where, what: 'MuJoCo cannot read the model', found }, { cause: error });
    }
  }
}

/** Live views of the arrays that every control step touches. */
export interface SimulationViews {
  readonly qpos: Float64Array;
  readonly qvel: Float64Array;
  readonly ctrl: Float64Array;
  readonly actuatorForceOfDof: Float64Array; // [dof] qfrc_actuator
  readonly sensordata: Float64Array;
}

export class Simulation {
  readonly engine: Engine;
  readonly model: MjModel;
  readonly data: MjData;
  #views: SimulationViews;
  #disposed = false;

  /** Takes over `model`, and deletes it with itself. */
  constructor(engine: Engine, model: MjModel) {
    this.engine = engine;
    this.model = model;
    this.data = new engine.module.MjData(model);
    this.#views = this.#readViews();
  }

  /** Views that are live now: re-read when the heap has grown since. */
  views(): SimulationViews {
    if (this.#views.qpos.byteLength === 0) this.#views = this.#readViews();
    return this.#views;
  }

  /** Back to the model's initial state: all of the data, solver warm starts included. */
  reset(): void {
    this.engine.module.mj_resetData(this.model, this.data);
  }

  /** Constants that follow from the model's masses and sizes. Overwrites the data's state: reset() after. */
  updateConstants(): void {
    this.engine.module.mj_setConst(this.model, this.data);
  }

  /** Everything that follows from position, velocity and control. */
  forward(): void {
    this.engine.module.mj_forward(this.model, this.data);
  }

  /** What follows from position and velocity alone: kinematics, contacts, position and velocity sensors. */
  updateState(): void {
    this.engine.module.mj_step1(this.model, this.data);
  }

  /**
   * `count` physics steps from an up-to-date state to an up-to-date state. Each is MuJoCo's step, turned round: second
   * half first, so that contacts and sensors belong to the new state and not to the one before the last step.
   */
  step(count: number): void {
    const { module } = this.engine;
    for (let index = 0; index < count; index++) {
      module.mj_step2(this.model, this.data);
      module.mj_step1(this.model, this.data);
    }
  }

  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    this.data.delete();
    this.model.delete();
  }

  #readViews(): SimulationViews {
    const { data } = this;
    return {
      qpos: data.qpos,
      qvel: data.qvel,
      ctrl: data.ctrl,
      actuatorForceOfDof: data.qfrc_actuator,
      sensordata: data.sensordata,
    };
  }
}

/** Names of a kind of element, in MuJoCo's order; '' where it has none. @param addresses for instance model.name_bodyadr */
export function namesAt(model: MjModel, addresses: ArrayLike<number>): string[] {
  const characters = model.names as ArrayLike<number>;
  return Array.from({ length: addresses.length }, (_, index) => {
    let name = '';
    for (let at = addresses[index]; characters[at] !== 0; at++) name += String.fromCharCode(characters[at]);
    return name;
  });
}

function normalise(path: string): string {
  const parts: string[] = [];
  for (const part of path.split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '' && part !== '.') parts.push(part);
  }
  return `/${parts.join('/')}`;
}

function removeTree(fs: MujocoModule['FS'], path: string): void {
  if (!fs.analyzePath(path, false).exists) return;
  fs.chdir('/');
  for (const name of fs.readdir(path) as string[]) {
    if (name === '.' || name === '..') continue;
    const inner = `${path}/${name}`;
    if (fs.isDir(fs.stat(inner, false).mode)) removeTree(fs, inner);
    else fs.unlink(inner);
  }
  fs.rmdir(path);
}
