// Model configuration: the network of arXiv 2402.19469 section 3.4 and its variants.
//
// The paper states width 192, 4 blocks, 4 heads, context 16, ReLU, BatchNorm on the input and a linear head. It does
// not state the MLP ratio (HT-1, same authors: 2), the positional embedding (learned here) or the order of BatchNorm
// and mask vector (here: normalise what is present, then fill in the mask vector).

import { z } from 'zod';

export const modelConfigSchema = z.strictObject({
  width: z.int().min(1).default(192),
  heads: z.int().min(1).default(4),
  blocks: z.int().min(1).default(4),
  mlpRatio: z.number().positive().default(2),
  activation: z.enum(['relu', 'gelu']).default('relu'),
  /** `preln`: x + f(norm(x)), twice a block. `paper`: one LayerNorm a block, residuals from the normalised stream. */
  block: z.enum(['preln', 'paper']).default('preln'),
  /** `fixed`: the normaliser of the training split. `batch`: batch statistics on top of it, running ones at inference. */
  inputNorm: z.enum(['fixed', 'batch']).default('fixed'),
});

export type ModelConfig = z.output<typeof modelConfigSchema>;
