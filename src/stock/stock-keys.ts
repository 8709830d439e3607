/** The lane's own keys. The {braces} keep a lane in one cluster slot, so that one script may touch all of it. */
export const laneKeys = (lane: number) => ({
  state: `{lane:${lane}}:state`,
  orders: `{lane:${lane}}:orders`,
  deadLetters: `{lane:${lane}}:dead-letters`,
  replayed: `{lane:${lane}}:replayed`,
});

/** The keys of one sale in one lane. */
export const saleKeys = (lane: number, saleId: string) => ({
  sale: `{lane:${lane}}:sale:${saleId}`,
  buyers: `{lane:${lane}}:sale:${saleId}:buyers`,
  /** Where a rebuild puts a sale that Postgres does not know. */
  asideSale: `{lane:${lane}}:aside:${saleId}`,
  asideBuyers: `{lane:${lane}}:aside:${saleId}:buyers`,
});
