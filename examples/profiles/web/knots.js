// Nautical miles per hour to metres per second: 1852 metres by definition.
export const metresPerSecond = (knots) => (knots * 1852) / 3600;
