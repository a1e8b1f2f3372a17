// The stage: renderer, lights, ground, camera and its controls. Z is up, metres, as everywhere in the data.
//
// It draws only when something changed, and lowers its own quality step by step where a machine is too slow for it:
// first the resolution, then the shadows.

import {
  AmbientLight,
  BasicShadowMap,
  Color,
  DirectionalLight,
  Fog,
  HemisphereLight,
  type Object3D,
  PCFShadowMap,
  PerspectiveCamera,
  Scene,
  Vector3,
  WebGLRenderer,
} from 'three';
import { OrbitControls } from 'three/examples/jsm/controls/OrbitControls.js';
import { type Problem, ProblemError, type Theme } from '../page.js';
import { createGround } from './ground.js';
import { createQualityKeeper } from './quality-keeper.js';

export interface StageOptions {
  readonly theme: Theme;
  /** Told when the browser takes WebGL away. */
  onProblem?(problem: Problem): void;
  /** Told once where the picture had to be made plainer for the sake of speed. */
  onSlow?(text: string): void;
}

export interface Stage {
  readonly scene: Scene;
  readonly camera: PerspectiveCamera;
  readonly controls: OrbitControls;
  readonly canvas: HTMLCanvasElement;
  /** Adds something and draws. */
  add(object: Object3D): void;
  /** Something changed: draw at the next animation frame. */
  invalidate(): void;
  /** Before each drawn frame. Seconds since the last one, at most 0.1. Returning true asks for another. */
  onFrame(listener: (elapsed_s: number) => boolean | undefined): void;
  /** Keeps camera and shadow with a point that moves (m); its height counts for the shadow only. */
  follow(x: number, y: number, z: number): void;
  /** Puts the camera where a point is seen from the front left, at a distance (m). */
  lookAt(x: number, y: number, z: number, distance_m: number): void;
  /** Turns the camera about what it looks at (rad, to the left), and multiplies its distance. */
  moveCamera(turn_rad: number, distance: number): void;
  setTheme(theme: Theme): void;
  /** Frames drawn so far, and the smoothed time of drawing one (ms). */
  readonly statistics: { readonly frames: number; readonly draw_ms: number };
  /** The picture as a PNG. */
  capture(): Promise<Blob>;
  dispose(): void;
}

const BACKGROUND: Readonly<Record<Theme, string>> = { light: '#e9edf1', dark: '#12171d' };

/** @throws ProblemError where the browser has no WebGL */
export function createStage(parent: HTMLElement, options: StageOptions): Stage {
  const isSoftware = drawsInSoftware();
  const renderer = createRenderer(isSoftware);
  const canvas = renderer.domElement;
  canvas.className = 'stage-canvas';
  canvas.tabIndex = 0;
  canvas.setAttribute('role', 'img');
  canvas.setAttribute('aria-label', '3D view. Drag to turn, wheel or pinch to zoom.');
  parent.append(canvas);
  const scene = new Scene();
  const camera = new PerspectiveCamera(38, 1, 0.05, 60);
  camera.up.set(0, 0, 1);
  camera.position.set(2.2, 1.9, 1.35);
  const controls = new OrbitControls(camera, canvas);
  controls.target.set(0, 0, 0.7);
  controls.maxPolarAngle = 0.52 * Math.PI;
  controls.minDistance = 0.4;
  controls.maxDistance = 20;
  controls.zoomSpeed = 0.8;

  const sky = new HemisphereLight('#ffffff', '#8a94a0', 1.5);
  sky.position.set(0, 0, 1);
  const sun = new DirectionalLight('#ffffff', 2.2);
  const sunOffset = new Vector3(1.6, 2.2, 4);
  sun.castShadow = true;
  sun.shadow.mapSize.setScalar(isSoftware ? 512 : 1024);
  Object.assign(sun.shadow.camera, { left: -1.3, right: 1.3, top: 1.3, bottom: -1.3, near: 0.5, far: 9 });
  sun.shadow.bias = -0.0006;
  sun.shadow.radius = 3;
  const fill = new AmbientLight('#ffffff', 0.25);
  const ground = createGround(isSoftware ? 1 : 4);
  scene.add(sky, sun, sun.target, fill, ground.object);

  const listeners: ((elapsed_s: number) => boolean | undefined)[] = [];
  const keeper = createQualityKeeper(renderer, sun, (text) => options.onSlow?.(text));
  const followed = new Vector3(0, 0, 0.7);
  let isFollowing = false;
  let pending = 0;
  let before = 0;
  let frames = 0;
  let isLost = false;

  const draw = (now: number) => {
    pending = 0;
    const elapsed_s = before === 0 ? 0 : Math.min(0.1, (now - before) / 1000);
    before = now;
    let again = false;
    for (const listener of listeners) again = listener(elapsed_s) === true || again;
    if (!isLost) {
      const start = performance.now();
      renderer.render(scene, camera);
      frames++;
      // For those who measure from outside.
      canvas.dataset.frames = String(frames);
      if (again) keeper.note(elapsed_s * 1000, performance.now() - start);
    }
    if (again) invalidate();
    else before = 0;
  };
  const invalidate = () => {
    if (pending === 0) pending = requestAnimationFrame(draw);
  };
  controls.addEventListener('change', invalidate);

  const resize = () => {
    const width = Math.max(1, parent.clientWidth);
    const height = Math.max(1, parent.clientHeight);
    renderer.setPixelRatio(Math.min(devicePixelRatio, isSoftware ? 1 : 2) * keeper.scale);
    renderer.setSize(width, height, false);
    camera.aspect = width / height;
    camera.updateProjectionMatrix();
    invalidate();
  };
  keeper.onScale(resize);
  const observer = new ResizeObserver(resize);
  observer.observe(parent);
  resize();

  canvas.addEventListener('webglcontextlost', (event) => {
    if (isLost) return;
    event.preventDefault();
    isLost = true;
    options.onProblem?.({
      what: 'The browser stopped drawing in 3D',
      fix: 'The graphics driver was reset or ran out of memory. Close other tabs that draw, then reload this page.',
    });
  });

  const setTheme = (theme: Theme) => {
    const background = new Color(BACKGROUND[theme]);
    scene.background = background;
    scene.fog = new Fog(background, 7, 22);
    sky.intensity = theme === 'dark' ? 1.1 : 1.35;
    sun.intensity = theme === 'dark' ? 2.0 : 1.7;
    ground.setTheme(theme);
    invalidate();
  };
  setTheme(options.theme);

  const stage: Stage = {
    scene,
    camera,
    controls,
    canvas,
    add(object) {
      scene.add(object);
      invalidate();
    },
    invalidate,
    onFrame: (listener) => void listeners.push(listener),
    follow(x, y, z) {
      sun.target.position.set(x, y, z);
      sun.position.copy(sun.target.position).add(sunOffset);
      ground.centre(x, y);
      if (isFollowing) {
        const dx = x - followed.x;
        const dy = y - followed.y;
        camera.position.x += dx;
        camera.position.y += dy;
        controls.target.x += dx;
        controls.target.y += dy;
      }
      followed.set(x, y, z);
      isFollowing = true;
      controls.update();
      invalidate();
    },
    lookAt(x, y, z, distance_m) {
      controls.target.set(x, y, z);
      camera.position.set(x + 0.72 * distance_m, y + 0.62 * distance_m, z + 0.28 * distance_m);
      followed.set(x, y, z);
      isFollowing = true;
      controls.update();
      stage.follow(x, y, z);
    },
    moveCamera(turn_rad, distance) {
      const offset = camera.position.clone().sub(controls.target).applyAxisAngle(camera.up, turn_rad);
      offset.setLength(Math.min(controls.maxDistance, Math.max(controls.minDistance, offset.length() * distance)));
      camera.position.copy(controls.target).add(offset);
      controls.update();
      invalidate();
    },
    setTheme,
    get statistics() {
      return { frames, draw_ms: keeper.draw_ms };
    },
    capture() {
      renderer.render(scene, camera);
      return new Promise((resolve, reject) => {
        canvas.toBlob((blob) => (blob === null ? reject(new Error('the canvas gave no picture')) : resolve(blob)));
      });
    },
    dispose() {
      isLost = true;
      cancelAnimationFrame(pending);
      observer.disconnect();
      controls.dispose();
      ground.dispose();
      sun.dispose();
      renderer.dispose();
      renderer.forceContextLoss();
      canvas.remove();
    },
  };
  return stage;
}

function createRenderer(isSoftware: boolean): WebGLRenderer {
  try {
    const renderer = new WebGLRenderer({ antialias: !isSoftware, powerPreference: 'high-performance' });
    renderer.shadowMap.enabled = true;
    renderer.shadowMap.type = isSoftware ? BasicShadowMap : PCFShadowMap;
    return renderer;
  } catch (error) {
    throw new ProblemError(
      {
        what: 'This browser cannot draw in 3D (WebGL 2 is missing or switched off)',
        fix: 'Switch on hardware acceleration in the browser settings and reload, or open this address in a current Firefox, Chrome, Edge or Safari. Chromium draws without a graphics card when started with --enable-unsafe-swiftshader.',
        detail: error instanceof Error ? error.message : String(error),
      },
      { cause: error },
    );
  }
}

/** True where no graphics card draws: every pixel and every smoothed edge is then the processor's work. */
function drawsInSoftware(): boolean {
  const context = document.createElement('canvas').getContext('webgl2');
  if (context === null) return false;
  const names = context.getExtension('WEBGL_debug_renderer_info');
  const name = String(context.getParameter(names?.UNMASKED_RENDERER_WEBGL ?? context.RENDERER));
  context.getExtension('WEBGL_lose_context')?.loseContext();
  return /swiftshader|llvmpipe|software|basic render/i.test(name);
}
