// Commands of episodes that a student drove and a teacher labelled (DAgger).
//
// What such an episode achieved is the student's doing, and no hindsight label of the teacher's actions. They answer the
// recorded command with what the teacher achieves for it: its fitted response, known from the source of its own rollouts,
// or, where that is not known, the command itself.

import { z } from 'zod';
import { type CommandResponse, calibrateLabel, commandSegments, isToMove } from './command-response.js';
import type { Channel, Episode } from './episode.js';

export interface TaughtCommand {
  /** The label of every frame, given the fitted responses by source; undefined where no command was recorded. */
  label(responses: Readonly<Record<string, CommandResponse>>): Channel | undefined;
}

/** What the recorder writes of the teacher into an episode's provenance. */
const teacherSchema = z.looseObject({ source: z.string().optional() });

/** Undefined for an episode that its own controller labelled. */
export function taughtCommand(episode: Episode): TaughtCommand | undefined {
  const teacher = teacherSchema.safeParse(episode.provenance.options.teacher).data;
  if (teacher === undefined) return undefined;
  const { command } = episode.channels;
  if (command === undefined) return { label: () => undefined };
  // Segments that were commanded to move; those commanded to stand keep their command.
  const segments = commandSegments(episode, command).filter(isToMove);
  return {
    label(responses) {
      const response = teacher.source === undefined ? undefined : responses[teacher.source];
      return response === undefined ? command : { width: 3, ...calibrateLabel(command, segments, response) };
    },
  };
}
