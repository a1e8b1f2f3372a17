// The ground plane seen from a heading: the frame in which reach, soles and strides are given.

import type { Footprint } from './footsteps.js';

/** A world vector (m) along and across a heading. */
export function inFrame(x: number, y: number, heading_rad: number): [number, number] {
  const [cosine, sine] = [Math.cos(heading_rad), Math.sin(heading_rad)];
  return [cosine * x + sine * y, cosine * y - sine * x];
}

/** An angle in [-π, π]. */
export function wrap(angle_rad: number): number {
  return Math.atan2(Math.sin(angle_rad), Math.cos(angle_rad));
}

/** A point along and across a footprint (m), in the world. */
export function fromSupport(support: Footprint, x: number, y: number): [number, number] {
  const [cosine, sine] = [Math.cos(support.heading_rad), Math.sin(support.heading_rad)];
  return [support.x + cosine * x - sine * y, support.y + sine * x + cosine * y];
}
