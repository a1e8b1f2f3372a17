// three.js geometry of a robot's bodies: one buffer a body, with the colours of its shapes at the vertices.
//
// One mesh a body keeps the number of draw calls small, which is what software rendering feels.

import {
  BoxGeometry,
  BufferAttribute,
  BufferGeometry,
  CapsuleGeometry,
  Color,
  CylinderGeometry,
  Matrix4,
  Quaternion,
  SphereGeometry,
  Vector3,
} from 'three';
import { mergeGeometries } from 'three/examples/jsm/utils/BufferGeometryUtils.js';
import { ProblemError } from '../page.js';
import { linkShapes } from './link-shapes.js';
import type { RobotDescription, RobotShape } from './robot-geometry.js';

const ROUND = 16;
const CAP = 4;

/** Geometry of each body [bodies]; undefined for a body without any shape. */
export function bodyGeometries(description: RobotDescription): (BufferGeometry | undefined)[] {
  const { robot } = description;
  const shapes = [...(description.geometry?.shapes ?? [])];
  const covered = new Set(shapes.map(({ body }) => body));
  // What the model leaves unseen, or all of it where only the tree is known, is drawn as links.
  for (const shape of linkShapes(robot)) if (!covered.has(shape.body)) shapes.push(shape);
  return robot.bodies.map((_, body) => {
    const parts = shapes.filter((shape) => shape.body === body).map((shape) => shapeGeometry(shape, description));
    if (parts.length === 0) return undefined;
    const merged = mergeGeometries(parts);
    for (const part of parts) part.dispose();
    return merged;
  });
}

/** A shape as indexed triangles in its body's frame, with normals and colours. */
function shapeGeometry(shape: RobotShape, description: RobotDescription): BufferGeometry {
  const made = shape.type === 'mesh' ? meshGeometry(shape, description) : primitive(shape);
  made.deleteAttribute('uv');
  const [w, x, y, z] = shape.quaternion;
  const place = new Matrix4().compose(
    new Vector3(...shape.position_m),
    new Quaternion(x, y, z, w),
    new Vector3(1, 1, 1),
  );
  made.applyMatrix4(place);
  const { r, g, b } = new Color().setRGB(shape.rgba[0], shape.rgba[1], shape.rgba[2], 'srgb');
  const count = made.getAttribute('position').count;
  const colours = new Float32Array(3 * count);
  for (let vertex = 0; vertex < count; vertex++) colours.set([r, g, b], 3 * vertex);
  made.setAttribute('color', new BufferAttribute(colours, 3));
  return made;
}

/** MuJoCo's long axis is z, three's is y. */
function primitive({ type, size: [a, b, c] }: RobotShape): BufferGeometry {
  switch (type) {
    case 'sphere':
      return new SphereGeometry(a, ROUND, ROUND / 2);
    case 'ellipsoid':
      return new SphereGeometry(1, ROUND, ROUND / 2).scale(a, b, c);
    case 'capsule':
      return new CapsuleGeometry(a, 2 * b, CAP, ROUND).rotateX(Math.PI / 2);
    case 'cylinder':
      return new CylinderGeometry(a, a, 2 * b, ROUND).rotateX(Math.PI / 2);
    default:
      return new BoxGeometry(2 * a, 2 * b, 2 * c);
  }
}

function meshGeometry(shape: RobotShape, { geometry, meshBytes }: RobotDescription): BufferGeometry {
  const place = geometry!.meshes[shape.mesh ?? -1];
  const end = place === undefined ? 0 : place.faces + 12 * place.faceCount;
  if (place === undefined || meshBytes === undefined || meshBytes.byteLength < end) {
    throw new ProblemError({
      what: 'The robot has meshes that cannot be read',
      fix: 'Start the viewer again; in a static build, build it again.',
    });
  }
  const bytes = meshBytes.slice(place.vertices, end).buffer;
  const made = new BufferGeometry();
  made.setAttribute('position', new BufferAttribute(new Float32Array(bytes, 0, 3 * place.vertexCount), 3));
  made.setIndex(new BufferAttribute(new Uint32Array(bytes, place.faces - place.vertices, 3 * place.faceCount), 1));
  // Normals by face: edges of machined parts stay sharp.
  const sharp = made.toNonIndexed();
  made.dispose();
  sharp.computeVertexNormals();
  sharp.setIndex(Array.from({ length: 3 * place.faceCount }, (_, at) => at));
  return sharp;
}
