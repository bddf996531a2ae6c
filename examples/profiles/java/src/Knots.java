/** Nautical miles per hour. */
class Knots {
    /** By definition, 1852 metres in 3600 seconds. */
    static double metresPerSecond(double knots) {
        return knots * 1852 / 3600;
    }

    public static void main(String[] words) {
        if (metresPerSecond(18) != 9.26) {
            throw new AssertionError(metresPerSecond(18));
        }
        System.out.println("eighteen knots");
    }
}
