package standin;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Paths;
import java.nio.file.attribute.FileTime;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Pattern;

/**
 * What a logging system would hold, read from the file that the system property service.url names.
 *
 * <p>Lines of words separated by tabs: see tests/java_world.py, which writes them.
 */
public final class World {

    /** One variable and its points, in order of time. */
    public static final class Logged {
        public final String name;
        public final String type;
        public final String unit;
        public final String description;
        public long[] time = new long[16];
        public Object[] value = new Object[16];
        public int size;
        public final TreeMap<Long, List<String>> headers = new TreeMap<>();

        Logged(String name, String type, String unit, String description) {
            this.name = name;
            this.type = type;
            this.unit = unit;
            this.description = description;
        }

        void add(long at, Object sample) {
            if (size == time.length) {
                time = java.util.Arrays.copyOf(time, 2 * size);
                value = java.util.Arrays.copyOf(value, 2 * size);
            }
            int place = size++;
            while (place > 0 && time[place - 1] > at) { // the system keeps order, its writers do not
                time[place] = time[place - 1];
                value[place] = value[place - 1];
                place--;
            }
            time[place] = at;
            value[place] = sample;
        }
    }

    /** A fill; its end and those of its modes are Long.MIN_VALUE while it lasts. */
    public static final class FillEntry {
        public int number;
        public long start;
        public long end;
        public final List<String> modes = new ArrayList<>();
        public final List<long[]> spans = new ArrayList<>();
    }

    /** A saved query. */
    public static final class SnapshotEntry {
        public String name;
        public String owner;
        public boolean open;
        public final Map<String, String> attributes = new TreeMap<>();
    }

    private static World current;
    private static String origin;
    private static FileTime since;

    public final Map<String, Logged> variables = new TreeMap<>();
    public final TreeMap<Integer, FillEntry> fills = new TreeMap<>();
    public final List<SnapshotEntry> snapshots = new ArrayList<>();
    public int limit = Integer.MAX_VALUE;
    public long lookBack = 86_400_000_000_000L;
    public String down;
    public int queries;

    /** The world of service.url, read again when the file changed. */
    public static synchronized World now() {
        String address = System.getProperty("service.url", "");
        try {
            FileTime changed = Files.getLastModifiedTime(Paths.get(address));
            if (!address.equals(origin) || !changed.equals(since)) {
                current = new World(Files.readAllLines(Paths.get(address), StandardCharsets.UTF_8));
                origin = address;
                since = changed;
            }
        } catch (IOException error) {
            throw new IllegalStateException("no service at '" + address + "'", error);
        }
        return current;
    }

    private World(List<String> lines) {
        Logged logged = null;
        FillEntry fill = null;
        SnapshotEntry snapshot = null;
        for (String line : lines) {
            String[] word = line.split("\t", -1);
            for (int i = 0; i < word.length; i++) {
                word[i] = unescaped(word[i]);
            }
            switch (word[0]) {
                case "variable":
                    logged = new Logged(word[1], word[2], orNull(word[3]), orNull(word[4]));
                    variables.put(logged.name, logged);
                    break;
                case "point":
                    logged.add(Long.parseLong(word[1]), sample(word[2], word, 3));
                    break;
                case "uniform": // start, step, count, D or L
                    long start = Long.parseLong(word[1]);
                    long step = Long.parseLong(word[2]);
                    for (int i = 0; i < Integer.parseInt(word[3]); i++) {
                        Object number = word[4].equals("L") ? (Object) (long) i : (Object) (i * 0.5);
                        logged.add(start + i * step, number);
                    }
                    break;
                case "rows": // start, step, count, length: vectors
                    for (int i = 0; i < Integer.parseInt(word[3]); i++) {
                        double[] row = new double[Integer.parseInt(word[4])];
                        java.util.Arrays.fill(row, i);
                        logged.add(Long.parseLong(word[1]) + i * Long.parseLong(word[2]), row);
                    }
                    break;
                case "header":
                    List<String> names = new ArrayList<>();
                    for (int i = 2; i < word.length; i++) {
                        names.add(word[i]);
                    }
                    logged.headers.put(Long.parseLong(word[1]), names);
                    break;
                case "fill":
                    fill = new FillEntry();
                    fill.number = Integer.parseInt(word[1]);
                    fill.start = Long.parseLong(word[2]);
                    fill.end = word[3].isEmpty() ? Long.MIN_VALUE : Long.parseLong(word[3]);
                    fills.put(fill.number, fill);
                    break;
                case "mode":
                    fill.modes.add(word[1]);
                    fill.spans.add(new long[] {
                        Long.parseLong(word[2]),
                        word[3].isEmpty() ? Long.MIN_VALUE : Long.parseLong(word[3])});
                    break;
                case "snapshot":
                    snapshot = new SnapshotEntry();
                    snapshot.name = word[1];
                    snapshot.owner = word[2];
                    snapshot.open = word[3].equals("public");
                    snapshots.add(snapshot);
                    break;
                case "attribute":
                    snapshot.attributes.put(word[1], word[2]);
                    break;
                case "limit":
                    limit = Integer.parseInt(word[1]);
                    break;
                case "lookback":
                    lookBack = Long.parseLong(word[1]);
                    break;
                case "down":
                    down = word[1];
                    break;
                case "":
                    break;
                default:
                    throw new IllegalArgumentException("what is '" + word[0] + "'?");
            }
        }
    }

    /** SQL's LIKE: % is any characters, _ any single one. */
    public static boolean like(String text, String pattern) {
        StringBuilder expression = new StringBuilder();
        for (char letter : pattern.toCharArray()) {
            expression.append(
                letter == '%' ? ".*" : letter == '_' ? "." : Pattern.quote(String.valueOf(letter)));
        }
        return Pattern.compile(expression.toString(), Pattern.DOTALL).matcher(text).matches();
    }

    private static Object sample(String type, String[] word, int first) {
        int count = word.length - first;
        switch (type) {
            case "N":
                return null;
            case "D":
                return Double.valueOf(word[first]);
            case "L":
                return Long.valueOf(word[first]);
            case "S":
                return word[first];
            case "VD":
                return doubles(word, first, count);
            case "VL":
                return longs(word, first, count);
            case "VS":
                String[] texts = new String[count];
                System.arraycopy(word, first, texts, 0, count);
                return texts;
            case "MD":
            case "ML":
                int columns = Integer.parseInt(word[first]);
                int rows = columns == 0 ? 0 : (count - 1) / columns;
                double[][] image = new double[rows][];
                long[][] whole = new long[rows][];
                for (int row = 0; row < rows; row++) {
                    int at = first + 1 + row * columns;
                    if (type.equals("MD")) {
                        image[row] = doubles(word, at, columns);
                    } else {
                        whole[row] = longs(word, at, columns);
                    }
                }
                return type.equals("MD") ? (Object) image : whole;
            default:
                throw new IllegalArgumentException("what is a sample of '" + type + "'?");
        }
    }

    private static double[] doubles(String[] word, int first, int count) {
        double[] numbers = new double[count];
        for (int i = 0; i < count; i++) {
            numbers[i] = Double.parseDouble(word[first + i]);
        }
        return numbers;
    }

    private static long[] longs(String[] word, int first, int count) {
        long[] numbers = new long[count];
        for (int i = 0; i < count; i++) {
            numbers[i] = Long.parseLong(word[first + i]);
        }
        return numbers;
    }

    private static String orNull(String text) {
        return text.isEmpty() ? null : text;
    }

    private static String unescaped(String text) {
        return text.indexOf('\\') < 0 ? text
            : text.replace("\\t", "\t").replace("\\n", "\n").replace("\\r", "\r").replace("\\b", "\\");
    }
}
