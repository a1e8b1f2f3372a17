// The support polygon: convex hull of the sole corners on the floor, and how far a point lies outside it.

/**
 * Distance (m) from a point to the convex hull of some points in the plane; 0 inside. No points: infinite.
 * @param points [count, 2]
 */
export function distanceToHull(points: Float64Array, count: number, x: number, y: number): number {
  if (count === 0) return Number.POSITIVE_INFINITY;
  if (count === 1) return Math.hypot(points[0] - x, points[1] - y);
  // Outside, the nearest point lies on a segment between two of the points that has all others on one side.
  let nearest = Number.POSITIVE_INFINITY;
  let outside = false;
  let isLine = true;
  for (let i = 0; i < count; i++) {
    for (let j = 0; j < count; j++) {
      if (i === j) continue;
      const ex = points[2 * j] - points[2 * i];
      const ey = points[2 * j + 1] - points[2 * i + 1];
      if (ex * ex + ey * ey < 1e-12) continue;
      let isEdge = true;
      for (let k = 0; k < count && isEdge; k++) {
        const side = ex * (points[2 * k + 1] - points[2 * i + 1]) - ey * (points[2 * k] - points[2 * i]);
        if (side < -1e-12) isEdge = false;
        if (side > 1e-9) isLine = false;
      }
      if (!isEdge) continue;
      const dx = x - points[2 * i];
      const dy = y - points[2 * i + 1];
      if (ex * dy - ey * dx < 0) outside = true;
      const share = Math.max(0, Math.min(1, (dx * ex + dy * ey) / (ex * ex + ey * ey)));
      nearest = Math.min(nearest, Math.hypot(dx - share * ex, dy - share * ey));
    }
  }
  if (nearest === Number.POSITIVE_INFINITY) return Math.hypot(points[0] - x, points[1] - y);
  return outside || isLine ? nearest : 0;
}
