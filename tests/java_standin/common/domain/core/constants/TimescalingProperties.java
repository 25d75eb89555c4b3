package ROOT.domain.core.constants;

import java.util.Arrays;
import java.util.List;

/** A size, an interval and an algorithm, written 1_MINUTE_AVG. */
public final class TimescalingProperties {
    private static final List<String> INTERVALS =
        Arrays.asList("SECOND", "MINUTE", "HOUR", "DAY", "WEEK", "MONTH", "YEAR");
    private static final List<String> ALGORITHMS =
        Arrays.asList("MAX", "MIN", "AVG", "COUNT", "SUM", "REPEAT", "INTERPOLATE");

    public final int size;
    public final String interval;
    public final String algorithm;

    private TimescalingProperties(int size, String interval, String algorithm) {
        this.size = size;
        this.interval = interval;
        this.algorithm = algorithm;
    }

    public static TimescalingProperties valueOf(String text) {
        String[] word = text.split("_");
        if (word.length != 3 || !word[0].matches("[1-9][0-9]*")
                || !INTERVALS.contains(word[1]) || !ALGORITHMS.contains(word[2])) {
            throw new IllegalArgumentException("No time scaling is called " + text);
        }
        return new TimescalingProperties(Integer.parseInt(word[0]), word[1], word[2]);
    }
}
