package ROOT.domain.core.metadata;

import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;

/** The names of a vector's elements, valid from one time on. */
public final class VectornumericElements implements Iterable<VectornumericElements.Element> {
    private final List<Element> elements = new ArrayList<>();

    public VectornumericElements(List<String> names) {
        for (String name : names) {
            elements.add(new Element(elements.size(), name));
        }
    }

    @Override
    public Iterator<Element> iterator() {
        return elements.iterator();
    }

    /** Place and name of one element. */
    public static final class Element {
        private final int key;
        private final String value;

        Element(int key, String value) {
            this.key = key;
            this.value = value;
        }

        public int getKey() {
            return key;
        }

        public String getValue() {
            return value;
        }
    }
}
