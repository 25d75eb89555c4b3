package oaflib;

import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.lang.reflect.Array;
import java.lang.reflect.Method;
import java.sql.Timestamp;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Turns a set of logged points into arrays of primitives, in one call.
 *
 * <p>Compiled against the JDK alone: the class of a point is given when it runs, so one class file
 * serves both package roots of the API. Points whose value is null become NaN where they are single
 * numbers and are left out otherwise.
 */
public final class Bulk {

    /** What one call gives back; arrays that a kind of data has no use for are null. */
    public static final class Batch {
        /** Nanoseconds since 1970 UTC, one a sample. */
        public long[] time;
        /** Numbers of all samples, one sample after the other, row by row. */
        public double[] value;
        /** The same for images logged as whole numbers; then value is null. */
        public long[] whole;
        /** Numbers or texts in each sample; rows of each image. */
        public int[] length;
        /** Columns of each image. */
        public int[] columns;
        /** The different texts, in order of appearance. */
        public String[] text;
        /** Index into text, one a sample, or one an element of the samples. */
        public int[] which;
    }

    private static final MethodHandles.Lookup LOOKUP = MethodHandles.publicLookup();
    private static final MethodType OBJECT = MethodType.methodType(Object.class, Object.class);

    private final Class<?> point;
    private final MethodHandle stamp;
    private final MethodHandle isNull;
    private final Map<String, Getter> getters = new ConcurrentHashMap<>();

    /** One getter of a point; its number comes unboxed whatever it is declared to return. */
    private static final class Getter {
        final boolean primitive;
        final MethodHandle number;
        final MethodHandle object;

        Getter(Method method) throws IllegalAccessException {
            MethodHandle handle = LOOKUP.unreflect(method);
            primitive = method.getReturnType().isPrimitive();
            number = primitive
                ? handle.asType(MethodType.methodType(double.class, Object.class)) : null;
            object = handle.asType(OBJECT);
        }

        double number(Object sample) throws Throwable {
            if (primitive) {
                return (double) number.invokeExact(sample);
            }
            Object boxed = (Object) object.invokeExact(sample);
            return boxed == null ? Double.NaN : ((Number) boxed).doubleValue();
        }

        Object object(Object sample) throws Throwable {
            return (Object) object.invokeExact(sample);
        }
    }

    /** A way to read points of this class or interface. */
    public Bulk(Class<?> point) throws ReflectiveOperationException {
        this.point = point;
        stamp = LOOKUP.unreflect(point.getMethod("getStamp"))
            .asType(MethodType.methodType(Timestamp.class, Object.class));
        MethodHandle found = null;
        try {
            found = LOOKUP.unreflect(point.getMethod("isNullValue"))
                .asType(MethodType.methodType(boolean.class, Object.class));
        } catch (NoSuchMethodException absent) {
            // only the newer of the two roots has it
        }
        isNull = found;
    }

    /** The times alone. */
    public Batch times(Object set) throws Throwable {
        Batch batch = new Batch();
        batch.time = stamps(points(set));
        return batch;
    }

    /** One number a sample, logged as double or as long. */
    public Batch numbers(Object set) throws Throwable {
        Object[] points = points(set);
        Batch batch = new Batch();
        batch.time = stamps(points);
        batch.value = new double[points.length];
        String one = "getDoubleValue";
        String other = "getLongValue";
        Getter getter = getter(one);
        for (int i = 0; i < points.length; i++) {
            if (hasNoValue(points[i])) {
                batch.value[i] = Double.NaN;
                continue;
            }
            try {
                batch.value[i] = getter.number(points[i]);
            } catch (NoSuchMethodException | ArithmeticException wrong) {
                String swap = one; // a variable is of one type for long stretches
                one = other;
                other = swap;
                getter = getter(one);
                batch.value[i] = getter.number(points[i]);
            }
        }
        return batch;
    }

    /** Vectors of numbers. */
    public Batch vectors(Object set) throws Throwable {
        List<Object> kept = new ArrayList<>();
        List<Object> arrays = new ArrayList<>();
        arrays(points(set), "getDoubleValues", "getLongValues", kept, arrays);
        Batch batch = new Batch();
        batch.time = stamps(kept.toArray());
        batch.length = new int[kept.size()];
        long total = 0;
        for (int i = 0; i < batch.length.length; i++) {
            batch.length[i] = sizeOf(arrays.get(i));
            total += batch.length[i];
        }
        batch.value = new double[limited(total)];
        int at = 0;
        for (Object array : arrays) {
            at = fill(array, batch.value, at);
        }
        return batch;
    }

    /** Images. */
    public Batch images(Object set) throws Throwable {
        List<Object> kept = new ArrayList<>();
        List<Object> arrays = new ArrayList<>();
        arrays(points(set), "getMatrixDoubleValues", "getMatrixLongValues", kept, arrays);
        Batch batch = new Batch();
        batch.time = stamps(kept.toArray());
        batch.length = new int[kept.size()];
        batch.columns = new int[kept.size()];
        long total = 0;
        boolean whole = true;
        for (int i = 0; i < kept.size(); i++) {
            Object image = arrays.get(i);
            int rows = sizeOf(image);
            int columns = rows == 0 ? 0 : sizeOf(Array.get(image, 0));
            for (int row = 0; row < rows; row++) {
                if (sizeOf(Array.get(image, row)) != columns) {
                    throw new IllegalArgumentException("an image whose rows differ in length");
                }
            }
            whole &= image instanceof long[][] || image instanceof int[][];
            batch.length[i] = rows;
            batch.columns[i] = columns;
            total += (long) rows * columns;
        }
        if (whole && !arrays.isEmpty()) {
            batch.whole = new long[limited(total)];
        } else {
            batch.value = new double[limited(total)];
        }
        int at = 0;
        for (Object image : arrays) {
            for (int row = 0; row < sizeOf(image); row++) {
                Object line = Array.get(image, row);
                at = batch.value == null ? fill(line, batch.whole, at) : fill(line, batch.value, at);
            }
        }
        return batch;
    }

    /** One text a sample. */
    public Batch texts(Object set) throws Throwable {
        List<Object> kept = new ArrayList<>();
        List<String> texts = new ArrayList<>();
        Getter getter = getter("getVarcharValue");
        for (Object sample : points(set)) {
            Object value = hasNoValue(sample) ? null : getter.object(sample);
            if (value != null) {
                kept.add(sample);
                texts.add(value.toString());
            }
        }
        Batch batch = new Batch();
        batch.time = stamps(kept.toArray());
        index(texts, batch);
        return batch;
    }

    /** Vectors of texts; a null element becomes an empty text. */
    public Batch textVectors(Object set) throws Throwable {
        List<Object> kept = new ArrayList<>();
        List<Object> arrays = new ArrayList<>();
        arrays(points(set), "getStringValues", "getStringValues", kept, arrays);
        Batch batch = new Batch();
        batch.time = stamps(kept.toArray());
        batch.length = new int[kept.size()];
        List<String> texts = new ArrayList<>();
        for (int i = 0; i < kept.size(); i++) {
            Object array = arrays.get(i);
            batch.length[i] = sizeOf(array);
            for (int j = 0; j < batch.length[i]; j++) {
                Object element = Array.get(array, j);
                texts.add(element == null ? "" : element.toString());
            }
        }
        index(texts, batch);
        return batch;
    }

    private void arrays(
            Object[] points, String first, String second, List<Object> kept, List<Object> arrays)
            throws Throwable {
        String one = first;
        String other = second;
        Getter getter = getter(one);
        for (Object sample : points) {
            if (hasNoValue(sample)) {
                continue;
            }
            Object array;
            try {
                array = getter.object(sample);
            } catch (NoSuchMethodException | ArithmeticException wrong) {
                String swap = one;
                one = other;
                other = swap;
                getter = getter(one);
                array = getter.object(sample);
            }
            if (array != null) {
                kept.add(sample);
                arrays.add(
                    array instanceof Collection ? ((Collection<?>) array).toArray() : array);
            }
        }
    }

    private Object[] points(Object set) throws Throwable {
        if (set instanceof Collection) {
            return ((Collection<?>) set).toArray();
        }
        List<Object> points = new ArrayList<>();
        if (set instanceof Iterable) {
            for (Object sample : (Iterable<?>) set) {
                points.add(sample);
            }
            return points.toArray();
        }
        throw new IllegalArgumentException(set.getClass() + " is no set of points");
    }

    private long[] stamps(Object[] points) throws Throwable {
        long[] time = new long[points.length];
        for (int i = 0; i < points.length; i++) {
            Timestamp at = (Timestamp) stamp.invokeExact(points[i]);
            // getTime holds the milliseconds and getNanos the whole fraction of the second
            time[i] = Math.floorDiv(at.getTime(), 1000L) * 1_000_000_000L + at.getNanos();
        }
        return time;
    }

    private boolean hasNoValue(Object sample) throws Throwable {
        return isNull != null && (boolean) isNull.invokeExact(sample);
    }

    private Getter getter(String name) throws ReflectiveOperationException {
        Getter getter = getters.get(name);
        if (getter == null) {
            getter = new Getter(point.getMethod(name));
            getters.put(name, getter);
        }
        return getter;
    }

    private static void index(List<String> texts, Batch batch) {
        Map<String, Integer> seen = new HashMap<>();
        List<String> different = new ArrayList<>();
        batch.which = new int[texts.size()];
        for (int i = 0; i < batch.which.length; i++) {
            String text = texts.get(i);
            Integer place = seen.get(text);
            if (place == null) {
                place = different.size();
                seen.put(text, place);
                different.add(text);
            }
            batch.which[i] = place;
        }
        batch.text = different.toArray(new String[0]);
    }

    private static int sizeOf(Object array) {
        return array == null ? 0 : Array.getLength(array);
    }

    private static int limited(long total) {
        if (total > Integer.MAX_VALUE - 16) {
            throw new OutOfMemoryError(total + " numbers do not fit into one array");
        }
        return (int) total;
    }

    private static int fill(Object array, double[] into, int at) {
        int size = sizeOf(array);
        if (array instanceof double[]) {
            System.arraycopy(array, 0, into, at, size);
        } else if (array instanceof long[]) {
            long[] numbers = (long[]) array;
            for (int i = 0; i < size; i++) {
                into[at + i] = numbers[i];
            }
        } else {
            for (int i = 0; i < size; i++) {
                Object number = Array.get(array, i);
                into[at + i] = number == null ? Double.NaN : ((Number) number).doubleValue();
            }
        }
        return at + size;
    }

    private static int fill(Object array, long[] into, int at) {
        int size = sizeOf(array);
        if (array instanceof long[]) {
            System.arraycopy(array, 0, into, at, size);
        } else {
            for (int i = 0; i < size; i++) {
                into[at + i] = ((Number) Array.get(array, i)).longValue();
            }
        }
        return at + size;
    }

    @Override
    public String toString() {
        return "Bulk of " + point.getName() + " " + Arrays.toString(getters.keySet().toArray());
    }
}
