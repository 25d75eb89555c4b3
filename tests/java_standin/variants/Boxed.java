import java.sql.Timestamp;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Iterator;
import java.util.List;

/** Points as another client might have them: boxed numbers, lists, a set that only iterates. */
public final class Boxed implements Iterable<Boxed.Point> {
    /** What a point says. */
    public interface Point {
        Timestamp getStamp();

        boolean isNullValue();

        Double getDoubleValue() throws NoSuchMethodException;

        Long getLongValue() throws NoSuchMethodException;

        Collection<Double> getDoubleValues() throws NoSuchMethodException;

        Integer[] getLongValues() throws NoSuchMethodException;

        float[][] getMatrixDoubleValues() throws NoSuchMethodException;

        int[][] getMatrixLongValues() throws NoSuchMethodException;

        CharSequence getVarcharValue();

        List<String> getStringValues();
    }

    private final List<Point> points = new ArrayList<>();

    public Boxed(boolean whole, int... numbers) {
        for (int number : numbers) {
            points.add(new Some(whole, number));
        }
    }

    @Override
    public Iterator<Point> iterator() {
        return points.iterator();
    }

    public int size() {
        return points.size();
    }

    private static final class Some implements Point {
        private final boolean whole;
        private final int number;

        Some(boolean whole, int number) {
            this.whole = whole;
            this.number = number;
        }

        private <T> T as(boolean wanted, T value) throws NoSuchMethodException {
            if (wanted != whole) {
                throw new NoSuchMethodException();
            }
            return value;
        }

        public Timestamp getStamp() {
            return new Timestamp(number);
        }

        public boolean isNullValue() {
            return number == 99;
        }

        public Double getDoubleValue() throws NoSuchMethodException {
            return as(false, number == 0 ? null : Double.valueOf(number));
        }

        public Long getLongValue() throws NoSuchMethodException {
            return as(true, number == 0 ? null : Long.valueOf(number));
        }

        public Collection<Double> getDoubleValues() throws NoSuchMethodException {
            return as(false, Arrays.asList(Double.valueOf(number), null));
        }

        public Integer[] getLongValues() throws NoSuchMethodException {
            return as(true, new Integer[] {number, number});
        }

        public float[][] getMatrixDoubleValues() throws NoSuchMethodException {
            return as(false, new float[][] {{number}, {0.5f}});
        }

        public int[][] getMatrixLongValues() throws NoSuchMethodException {
            return as(true, number == 7 ? new int[][] {{1}, {1, 2}} : new int[][] {{number, 1}});
        }

        public CharSequence getVarcharValue() {
            return number == 0 ? null : "é" + number;
        }

        public List<String> getStringValues() {
            return number == 0 ? null : Arrays.asList("a", null, "é" + number);
        }
    }
}
