/** The height of each row, in pixels; the style sheet has the same. */
export const ROW_PX = 40;
