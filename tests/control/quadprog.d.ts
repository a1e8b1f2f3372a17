// What this project uses of quadprog, which has no types of its own. Arrays count from 1.

declare module 'quadprog' {
  interface Result {
    readonly solution: number[];
    /** Empty where there is a solution. */
    readonly message: string;
  }
  const quadprog: {
    solveQP(
      hessian: number[][],
      linear: number[],
      constraints: number[][],
      bounds: number[],
      equalityCount: number,
    ): Result;
  };
  export = quadprog;
}
